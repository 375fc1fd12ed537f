/* Draws the whole screen again and again, every pixel different each time: the first process of the guest of
 * redraw.py. Each way of drawing that it is given on the kernel's command line ("redraw=fill,copy,write")
 * runs for the time of "seconds="; after each, and before the first, it waits for a line on the console. */
#include <fcntl.h>
#include <linux/fb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READY = 2 /* pictures that are made beforehand */ };

static int file;
static size_t bytes;
static uint32_t *screen, *ready[READY];

static int fail(const char *what)
{
    perror(what);
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}

static long long microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* The picture number `picture`, as redraw.py computes it. */
static void draw(uint32_t *to, uint32_t picture)
{
    uint32_t pixels = picture * 0x00030507;
    for (size_t n = 0; n < bytes / sizeof *to; n++, pixels += 0x9e3779b1)
        to[n] = pixels;
}

/* Computes every pixel where it is seen. */
static void fill(uint32_t picture)
{
    draw(screen, picture);
}

/* Copies a picture that was made elsewhere, as programs do that draw into a buffer of their own. */
static void copy(uint32_t picture)
{
    memcpy(screen, ready[picture % READY], bytes);
}

/* The same, by the kernel. */
static void write_file(uint32_t picture)
{
    if (pwrite(file, ready[picture % READY], bytes, 0) != (ssize_t)bytes)
        fail("/dev/fb0");
}

static const struct {
    const char *name;
    void (*redraw)(uint32_t picture);
} ways[] = {
    {"fill",  fill      },
    {"copy",  copy      },
    {"write", write_file},
};

static void open_screen(void)
{
    struct fb_fix_screeninfo fix;
    struct fb_var_screeninfo var;
    file = open("/dev/fb0", O_RDWR);
    if (file < 0 || ioctl(file, FBIOGET_FSCREENINFO, &fix) || ioctl(file, FBIOGET_VSCREENINFO, &var))
        fail("/dev/fb0");
    bytes = (size_t)fix.line_length * var.yres;
    screen = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (screen == MAP_FAILED)
        fail("/dev/fb0");
    for (uint32_t n = 0; n < READY; n++) {
        ready[n] = malloc(bytes);
        if (!ready[n])
            fail("memory");
        draw(ready[n], n);
    }
    printf("@@ screen %u %u %u\n", var.xres, var.yres, var.bits_per_pixel);
}

static void run(const char *name, double seconds)
{
    char line[80];
    for (size_t n = 0; n < sizeof ways / sizeof *ways; n++) {
        if (strcmp(ways[n].name, name))
            continue;
        printf("@@ begin %s\n", name);
        long long start = microseconds(), end = start + (long long)(seconds * 1e6), now = start;
        uint32_t picture = 0;
        for (; now < end; now = microseconds())
            ways[n].redraw(++picture);
        printf("@@ end %s %u %lld\n", name, picture, now - start);
        if (!fgets(line, sizeof line, stdin))
            fail("the console");
    }
}

static const char *parameter(char *line, const char *name, const char *otherwise)
{
    char *at = strstr(line, name);
    return at ? strtok(at + strlen(name), " \n") : otherwise;
}

int main(void)
{
    char options[2048] = "", again[sizeof options], line[80];
    setvbuf(stdout, NULL, _IOLBF, 0);
    mkdir("/proc", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    FILE *command_line = fopen("/proc/cmdline", "r");
    if (!command_line || !fgets(options, sizeof options, command_line))
        fail("/proc/cmdline");
    memcpy(again, options, sizeof again);
    /* No cursor of the console in the picture. */
    int console = open("/dev/tty1", O_WRONLY);
    if (console >= 0 && write(console, "\033[?25l", 6) < 0)
        perror("/dev/tty1");
    open_screen();
    if (!fgets(line, sizeof line, stdin))
        fail("the console");
    double seconds = atof(parameter(again, "seconds=", "5"));
    char *names = strdup(parameter(options, "redraw=", "fill,copy,write"));
    for (char *name; (name = strsep(&names, ","));)
        run(name, seconds);
    reboot(RB_POWER_OFF);
    return 0;
}
