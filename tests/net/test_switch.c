/* Machines on a switch: who gets what, who takes over, and peers that mean no good. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net/switch.h"
#include "tests/net/ends.h"

enum { SIDES = 3 };

static const uint8_t everybody[NET_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static char folder[64], path[80];
static Side side[SIDES];
static NetEnd *end[SIDES];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/armature-switch-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    for (unsigned n = 0; n < SIDES; n++) {
        Error err;
        side_init(&side[n], n);
        end[n] = net_switch_new(&side[n].port, side[n].arrivals, path, &err);
        if (!end[n])
            fail_msg("%s", err.text);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned n = 0; n < SIDES; n++) {
        net_end_free(end[n]);
        side_free(&side[n]);
    }
    assert_int_equal(rmdir(folder), 0); /* nothing is left */
    return 0;
}

static bool all_heard(unsigned n, const unsigned *before)
{
    bool all = true;
    for (unsigned k = 0; k < SIDES; k++) {
        side_deliver(&side[k]);
        all &= k == n || !end[k] || side[k].frames > before[k];
    }
    return all;
}

/* All of them hear a broadcast of side n: everybody is on the switch then, and n known to it. What is sent
 * before all have joined reaches those who have. */
static void greet(unsigned n)
{
    unsigned before[SIDES];
    for (unsigned k = 0; k < SIDES; k++)
        before[k] = side[k].frames;
    for (unsigned tries = 0; tries < 1000; tries++) {
        if (tries % 20 == 0)
            side_send(&side[n], everybody, 60, 1);
        if (all_heard(n, before))
            return;
        usleep(10000);
    }
    fail_msg("side %u is not heard", n);
}

/* Nothing is under way any more. */
static void settle(void)
{
    unsigned last, now = 0;
    do {
        last = now;
        now = 0;
        usleep(100000);
        for (unsigned k = 0; k < SIDES; k++) {
            side_deliver(&side[k]);
            now += side[k].frames;
        }
    } while (now != last);
}

static void test_forwarding(void **state)
{
    (void)state;
    for (unsigned n = 0; n < SIDES; n++)
        greet(n);
    settle();
    unsigned first = side[0].frames, second = side[1].frames, third = side[2].frames;
    for (unsigned n = 0; n < 100; n++) {
        side_send(&side[1], side[2].port.mac, 60 + 600 * n, (uint8_t)n);
        side_wait(&side[2], third + n + 1);
        assert_int_equal(side[2].length, 60 + 600 * n);
        assert_int_equal(side[2].last[side[2].length - 1], n);
    }
    side_deliver(&side[0]);
    assert_int_equal(side[0].frames, first); /* it was none of its business */
    side_send(&side[0], side[1].port.mac, 1500, 9);
    side_wait(&side[1], second + 1);
    side_send(&side[1], side[0].port.mac, 1500, 9);
    side_wait(&side[0], first + 1);
}

static void test_outlives_its_server(void **state)
{
    (void)state;
    for (unsigned n = 0; n < SIDES; n++)
        greet(n);
    net_end_free(end[0]);
    end[0] = NULL;
    unsigned before = side[2].frames;
    for (unsigned n = 0; n < 1000 && side[2].frames == before; n++) {
        side_send(&side[1], side[2].port.mac, 60, 1);
        usleep(10000);
        side_deliver(&side[2]);
    }
    assert_true(side[2].frames > before);
    Error err;
    end[0] = net_switch_new(&side[0].port, side[0].arrivals, path, &err);
    assert_non_null(end[0]);
    greet(1);
    greet(0);
}

static int hostile_peer(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_hostile_peers(void **state)
{
    (void)state;
    static uint8_t junk[200000];
    int fd[SWITCH_PEERS + 10];
    unsigned peers = sizeof fd / sizeof *fd;
    for (unsigned n = 0; n < SIDES; n++)
        greet(n);
    for (unsigned n = 0; n < peers; n++)
        fd[n] = hostile_peer(); /* more than there are ports */
    unsigned random = 1;
    for (unsigned n = 0; n < 3000; n++) {
        random = random * 1103515245 + 12345;
        size_t length = (random >> 8) % (n % 50 ? 100 : sizeof junk);
        memset(junk, (int)random >> 16, length < 20 ? length : 20);
        send(fd[n % peers], junk, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n % 300 == 0)
            for (unsigned k = 0; k < SIDES; k++)
                side_deliver(&side[k]);
    }
    /* They never read; the others are as quick as ever. */
    settle();
    unsigned before = side[2].frames;
    for (unsigned n = 0; n < 50; n++) {
        side_send(&side[1], side[2].port.mac, 1400, 1);
        side_wait(&side[2], before + n + 1);
    }
    for (unsigned n = 0; n < peers; n++)
        close(fd[n]);
}

static void test_bad_places(void **state)
{
    (void)state;
    char file[100];
    Side extra;
    Error err;
    side_init(&extra, 9);
    assert_null(net_switch_new(&extra.port, extra.arrivals, "/nonexistent/folder/s", &err));
    assert_non_null(strstr(err.text, "No such file"));
    snprintf(file, sizeof file, "%s/file", folder);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_null(net_switch_new(&extra.port, extra.arrivals, file, &err));
    struct stat there;
    assert_int_equal(stat(file, &there), 0); /* untouched */
    assert_true(S_ISREG(there.st_mode));
    unlink(file);
    assert_null(extra.port.send);
    side_free(&extra);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forwarding),
        TEST(test_outlives_its_server),
        TEST(test_hostile_peers),
        TEST(test_bad_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
