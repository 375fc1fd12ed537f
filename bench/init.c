/* The first process of the benchmark's guest. Runs the lines of /plan, each "name TAB preparation TAB
 * command", and reports on the serial console what the host times: a line when a command starts and one when
 * it ended. The text that the command printed follows, to be compared between machines. */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT "/tmp/output"

static void set_up(void)
{
    struct termios serial;

    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mkdir("/tmp", 01777);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    if (tcgetattr(1, &serial) == 0) {
        cfmakeraw(&serial);
        tcsetattr(1, TCSANOW, &serial);
    }
    setenv("PATH", "/bench:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("LC_ALL", "C", 1);
    setenv("HOME", "/tmp", 1);
    setenv("BENCH", "/bench", 1);
    setenv("TMPDIR", "/tmp", 1);
}

/* Programs that want random numbers would otherwise wait for seconds until the kernel has gathered some, each
 * time for another while. */
static void seed_random(void)
{
    struct {
        struct rand_pool_info info;
        uint32_t words[16];
    } seed = {
        {.entropy_count = 512, .buf_size = 64},
        {0                   }
    };
    int file = open("/dev/urandom", O_WRONLY);

    for (uint32_t i = 0; i < 16; i++)
        seed.words[i] = i * 0x9e3779b9u;
    if (file < 0 || ioctl(file, RNDADDENTROPY, &seed))
        perror("seeding the random numbers");
    close(file);
}

/* Whoever reads the other end of the line has seen the text soon after this returns. */
static void report(const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t count = write(1, text, left);
        if (count < 0 && errno != EINTR)
            return;
        text += count > 0 ? count : 0;
        left -= count > 0 ? (size_t)count : 0;
    }
    tcdrain(1);
}

static int shell(const char *command)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int output = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int input = open("/dev/null", O_RDONLY);
        dup2(input, 0);
        dup2(output, 1);
        dup2(output, 2);
        setsid();
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) != child)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report_output(const char *name)
{
    char line[4096], text[sizeof line + 128];
    FILE *output = fopen(OUTPUT, "r");

    for (int i = 0; output && i < 40 && fgets(line, sizeof line, output); i++) {
        line[strcspn(line, "\r\n")] = 0;
        snprintf(text, sizeof text, "@@ output %s %s\n", name, line);
        report(text);
    }
    if (output)
        fclose(output);
}

static long long microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void run_line(char *line)
{
    char text[256], *name = strsep(&line, "\t"), *preparation = strsep(&line, "\t");
    int status = 0;

    if (!line)
        return;
    if (chdir("/tmp"))
        report("@@ there is no /tmp\n");
    if (*preparation)
        status = shell(preparation);
    if (status == 0) {
        snprintf(text, sizeof text, "@@ begin %s\n", name);
        report(text);
        long long start = microseconds();
        status = shell(line);
        snprintf(text, sizeof text, "@@ end %s %d %lld\n", name, status, microseconds() - start);
        report(text);
    }
    report_output(name);
    snprintf(text, sizeof text, "@@ complete %s %d\n", name, status);
    report(text);
}

int main(void)
{
    char line[4096];

    set_up();
    seed_random();
    report("\n@@ ready\n");
    FILE *plan = fopen("/plan", "r");
    while (plan && fgets(line, sizeof line, plan)) {
        line[strcspn(line, "\n")] = 0;
        run_line(line);
    }
    report("@@ done\n");
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
