/* Runs a command and makes one of its writes fail, as a dying disk would.
 *
 *     cc -O1 -o fail_io tests/fail_io.c
 *     fail_io WHICH FOLDER REPORT -- COMMAND…
 *
 * Calls that change something below FOLDER are counted from 1: making, writing, syncing, renaming,
 * truncating a file, making a folder. Call number WHICH is answered with EIO and never reaches the
 * kernel; with WHICH given as `N+`, so is every later one; with 0 none is. REPORT gets one line: how
 * many calls there were, and the first that failed. The exit code is the command's, or 99 if this
 * program could not do its work (an old kernel, a sandbox that forbids it).
 *
 * Why not a library for LD_PRELOAD: parts of Rust make system calls without asking libc, renaming a
 * temporary file and syncfs among them, which are the calls that matter most here. A seccomp filter
 * with a listener (Linux 5.5 and later, no privileges needed) sees every one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS 99

/* How to find the file that a call is about. */
enum about {
    A_FD,          /* argument 0 is an open file */
    A_PATH,        /* argument 0 is a path */
    A_AT,          /* arguments 0 and 1 are a folder and a path */
    A_OPEN,        /* as A_PATH, with flags in argument 1 */
    A_OPEN_AT,     /* as A_AT, with flags in argument 2 */
};

static const struct call {
    int number;
    enum about about;
    const char *name;
} CALLS[] = {
    {SYS_write, A_FD, "write"},
    {SYS_writev, A_FD, "writev"},
    {SYS_pwrite64, A_FD, "pwrite"},
    {SYS_pwritev, A_FD, "pwritev"},
    {SYS_fsync, A_FD, "fsync"},
    {SYS_fdatasync, A_FD, "fdatasync"},
    {SYS_syncfs, A_FD, "syncfs"},
    {SYS_ftruncate, A_FD, "ftruncate"},
    {SYS_fchmod, A_FD, "fchmod"},
    {SYS_openat, A_OPEN_AT, "open"},
    {SYS_mkdirat, A_AT, "mkdir"},
    {SYS_renameat2, A_AT, "rename"},
    {SYS_linkat, A_AT, "link"},
#ifdef SYS_renameat
    {SYS_renameat, A_AT, "rename"},
#endif
#ifdef SYS_open
    {SYS_open, A_OPEN, "open"},
#endif
#ifdef SYS_mkdir
    {SYS_mkdir, A_PATH, "mkdir"},
#endif
#ifdef SYS_rename
    {SYS_rename, A_PATH, "rename"},
#endif
#ifdef SYS_link
    {SYS_link, A_PATH, "link"},
#endif
};
#define CALL_COUNT (sizeof CALLS / sizeof *CALLS)

static void quit(const char *what) {
    fprintf(stderr, "fail_io: %s: %s\n", what, strerror(errno));
    exit(OURS);
}

/* In the child: from here on the calls above ask the listener, whose descriptor is returned. */
static int filter_calls(void) {
    struct sock_filter code[2 * CALL_COUNT + 2];
    size_t at = 0;
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++) {
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)CALLS[i].number, 0, 1);
        code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* One descriptor through a socket, beside one byte. */
union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static int hand_over(int socket, int fd) {
    char byte = 0;
    struct iovec part = {&byte, 1};
    union control control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int take_over(int socket) {
    char byte;
    int fd;
    struct iovec part = {&byte, 1};
    union control control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message)) return -1;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* What /proc/TASK/NAME points to; empty if it cannot be said. */
static void link_of(unsigned task, const char *name, char *found) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/%s", task, name);
    ssize_t length = readlink(path, found, PATH_MAX - 1);
    found[length < 0 ? 0 : length] = 0;
}

/* The file that a call is about, as an absolute path; empty if it changes nothing. */
static void file_of(const struct call *call, const struct seccomp_notif *ask, char *found) {
    const __u64 *args = ask->data.args;
    char name[PATH_MAX] = "";
    found[0] = 0;
    if (call->about == A_FD) {
        snprintf(name, sizeof name, "fd/%d", (int)args[0]);
        link_of(ask->pid, name, found);
        return;
    }
    int at = call->about == A_AT || call->about == A_OPEN_AT;
    if (call->about == A_OPEN && !(args[1] & (O_CREAT | O_TRUNC))) return;
    if (call->about == A_OPEN_AT && !(args[2] & (O_CREAT | O_TRUNC))) return;
    char memory[64];
    snprintf(memory, sizeof memory, "/proc/%u/mem", ask->pid);
    int fd = open(memory, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    /* A short read is fine: the page after the path need not be there. */
    ssize_t length = pread(fd, name, sizeof name - 1, (off_t)args[at]);
    close(fd);
    if (length <= 0) return;
    name[length] = 0;
    if (name[0] == '/') {
        snprintf(found, PATH_MAX, "%s", name);
        return;
    }
    char folder[PATH_MAX], from[32] = "cwd";
    if (at && (int)args[0] != AT_FDCWD) snprintf(from, sizeof from, "fd/%d", (int)args[0]);
    link_of(ask->pid, from, folder);
    size_t room = strlen(folder);
    if (!room || room + strlen(name) + 2 > PATH_MAX) return;
    memcpy(found, folder, room);
    found[room] = '/';
    strcpy(found + room + 1, name);
}

static int below(const char *file, const char *folder) {
    size_t length = strlen(folder);
    return strncmp(file, folder, length) == 0 && file[length] == '/';
}

int main(int count, char **words) {
    if (count < 6 || strcmp(words[4], "--")) {
        fprintf(stderr, "usage: fail_io WHICH FOLDER REPORT -- COMMAND…\n");
        return OURS;
    }
    char *rest;
    long which = strtol(words[1], &rest, 10);
    int later = *rest == '+';
    char folder[PATH_MAX];
    if (!realpath(words[2], folder)) quit(words[2]);

    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) quit("socketpair");
    pid_t child = fork();
    if (child < 0) quit("fork");
    if (child == 0) {
        int listener = filter_calls();
        if (listener < 0) {
            shutdown(ends[1], SHUT_RDWR);
            _exit(OURS);
        }
        if (hand_over(ends[1], listener)) _exit(OURS);
        close(listener);
        execvp(words[5], words + 5);
        _exit(OURS);
    }
    close(ends[1]);
    int listener = take_over(ends[0]);
    if (listener < 0) quit("this system lets no filter with a listener be set");

    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes)) quit("seccomp");
    struct seccomp_notif *ask = calloc(1, sizes.seccomp_notif);
    struct seccomp_notif_resp *answer = calloc(1, sizes.seccomp_notif_resp);
    if (!ask || !answer) quit("memory");
    long calls = 0;
    char failed[PATH_MAX + 32] = "nothing", file[PATH_MAX];
    int status = 0, ended = 0;
    while (!ended) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        int found = poll(&ready, 1, 20);
        if (found == 0 || (ready.revents & POLLHUP)) ended = waitpid(child, &status, WNOHANG) == child;
        if (!(ready.revents & POLLIN)) continue;
        memset(ask, 0, sizes.seccomp_notif);
        memset(answer, 0, sizes.seccomp_notif_resp);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, ask)) continue; /* it was killed meanwhile */
        answer->id = ask->id;
        answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        for (size_t i = 0; i < CALL_COUNT; i++) {
            if (CALLS[i].number != ask->data.nr) continue;
            file_of(&CALLS[i], ask, file);
            if (!below(file, folder)) break;
            calls++;
            if (which && (calls == which || (later && calls > which))) {
                if (calls == which) snprintf(failed, sizeof failed, "%s %s", CALLS[i].name, file);
                answer->flags = 0;
                answer->error = -EIO;
            }
            break;
        }
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
    }
    FILE *report = fopen(words[3], "w");
    if (!report || fprintf(report, "%ld %s\n", calls, failed) < 0 || fclose(report)) quit(words[3]);
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    return WEXITSTATUS(status);
}
