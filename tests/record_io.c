/* Runs a command and writes down every change that it makes to files, in the order in which it was made.
 *
 *     cc -O1 -o record_io tests/record_io.c
 *     record_io [--no-syncfs] FOLDER TRACE -- COMMAND…
 *
 * TRACE gets a line for each call that succeeded, its parts between tabs:
 *
 *     make INODE PATH           a file came, empty        folder INODE PATH     a folder came
 *     write INODE AT LENGTH     and LENGTH bytes and a line's end
 *     size INODE LENGTH         cut or grown              link FROM TO          another name
 *     rename FROM TO            in place of what was TO   gone PATH             a name went
 *     sync INODE                fsync, fdatasync          syncfs
 *     outside CALL PATH         a file that does not lie below FOLDER was opened for writing, named or removed
 *     unknown CALL PATH         a change below FOLDER that this program cannot write down
 *
 * Paths are below FOLDER, and begin with a slash. With `--no-syncfs` the command is told that the system has
 * no syncfs. The exit code is the command's, or 99 if this program could not do its work (no ptrace, an old
 * kernel).
 *
 * Every thread is stopped before such a call and after it, and no other may make one in between: what is
 * written down is the order in which the kernel did it, and what it answered. A notifier, as in fail_io.c,
 * would learn neither. Linux 5.3 and later, no privileges needed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
/* This one first: the kernel's own names are macros, and libc's the same names. */
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS 99
#define MOST_THREADS 512

enum kind { WRITE, WRITEV, PWRITE, PWRITEV, SYNC, SYNCFS, SIZE, OPEN, MKDIR, RENAME, LINK, UNLINK, MAP, FD_OTHER, PATH_OTHER };

static const struct call {
    int number;
    enum kind kind;
    int at; /* the argument with the first path, behind that with its folder; 0: no folder */
    const char *name;
} CALLS[] = {
    {SYS_write, WRITE, 0, "write"},
    {SYS_writev, WRITEV, 0, "writev"},
    {SYS_pwrite64, PWRITE, 0, "pwrite"},
    {SYS_pwritev, PWRITEV, 0, "pwritev"},
    {SYS_fsync, SYNC, 0, "fsync"},
    {SYS_fdatasync, SYNC, 0, "fdatasync"},
    {SYS_syncfs, SYNCFS, 0, "syncfs"},
    {SYS_ftruncate, SIZE, 0, "ftruncate"},
    {SYS_openat, OPEN, 1, "openat"},
    {SYS_mkdirat, MKDIR, 1, "mkdirat"},
    {SYS_renameat2, RENAME, 1, "renameat2"},
    {SYS_linkat, LINK, 1, "linkat"},
    {SYS_unlinkat, UNLINK, 1, "unlinkat"},
    {SYS_mmap, MAP, 0, "mmap"},
    {SYS_pwritev2, FD_OTHER, 0, "pwritev2"},
    {SYS_fallocate, FD_OTHER, 0, "fallocate"},
    {SYS_sendfile, FD_OTHER, 0, "sendfile"},
    {SYS_truncate, PATH_OTHER, 0, "truncate"},
    {SYS_symlinkat, PATH_OTHER, 2, "symlinkat"},
    {SYS_mknodat, PATH_OTHER, 1, "mknodat"},
#ifdef SYS_renameat
    {SYS_renameat, RENAME, 1, "renameat"},
#endif
#ifdef SYS_open
    {SYS_open, OPEN, 0, "open"},
    {SYS_creat, PATH_OTHER, 0, "creat"},
    {SYS_mkdir, MKDIR, 0, "mkdir"},
    {SYS_rename, RENAME, 0, "rename"},
    {SYS_link, LINK, 0, "link"},
    {SYS_unlink, UNLINK, 0, "unlink"},
    {SYS_rmdir, UNLINK, 0, "rmdir"},
#endif
    /* The file that changes is not the first argument, or its path is not to be read. */
    {SYS_copy_file_range, FD_OTHER, 2, "copy_file_range"},
    {SYS_splice, FD_OTHER, 2, "splice"},
    {SYS_io_uring_setup, PATH_OTHER, -1, "io_uring_setup"},
};
#define CALL_COUNT (sizeof CALLS / sizeof *CALLS)

/* A call that a thread is about to make, or is making. */
struct pending {
    pid_t thread;
    const struct call *call;
    unsigned long long args[6];
    char from[PATH_MAX], to[PATH_MAX];
    int was_there;
};

static char folder[PATH_MAX];
static FILE *trace;
static struct pending pending[MOST_THREADS];
static int waiting;             /* pending[0] is in the kernel; the others wait for it */

static void quit(const char *what) {
    fprintf(stderr, "record_io: %s: %s\n", what, strerror(errno));
    exit(OURS);
}

static int filter_calls(int no_syncfs) {
    struct sock_filter code[2 * CALL_COUNT + 2];
    size_t at = 0;
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++) {
        unsigned answer = no_syncfs && CALLS[i].kind == SYNCFS ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_TRACE;
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)CALLS[i].number, 0, 1);
        code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void link_of(pid_t thread, const char *name, char *found) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", thread, name);
    ssize_t length = readlink(path, found, PATH_MAX - 1);
    found[length < 0 ? 0 : length] = 0;
}

static void file_of(pid_t thread, int fd, char *found) {
    char name[32];
    snprintf(name, sizeof name, "fd/%d", fd);
    link_of(thread, name, found);
}

static unsigned long long inode_of(pid_t thread, int fd) {
    char path[64];
    struct stat there;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", thread, fd);
    return stat(path, &there) ? 0 : there.st_ino;
}

/* The path in argument `at` of a call, absolute; of a folder's handle in the argument before it. */
static void path_of(const struct pending *one, int at, int has_folder, char *found) {
    char memory[64], name[PATH_MAX];
    found[0] = 0;
    snprintf(memory, sizeof memory, "/proc/%d/mem", one->thread);
    int fd = open(memory, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    /* A short read is fine: the page after the path need not be there. */
    ssize_t length = pread(fd, name, sizeof name - 1, (off_t)one->args[at]);
    close(fd);
    if (length <= 0) return;
    name[length] = 0;
    if (name[0] == '/') {
        snprintf(found, PATH_MAX, "%s", name);
        return;
    }
    char above[PATH_MAX];
    if (has_folder && (int)one->args[at - 1] != AT_FDCWD) file_of(one->thread, (int)one->args[at - 1], above);
    else link_of(one->thread, "cwd", above);
    if (strlen(above) + strlen(name) + 2 > PATH_MAX) return;
    strcpy(found, above);
    strcat(found, "/");
    strcat(found, !strncmp(name, "./", 2) ? name + 2 : name);
}

/* The part of a path below the folder; null if it does not lie there. */
static const char *below(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]) ? path + length : NULL;
}

static int writes(const struct pending *one) {
    int flags = (int)one->args[one->call->at + 1];
    if ((flags & O_TMPFILE) == O_TMPFILE) return 0;
    return flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
}

/* What is to be known before the kernel does it. Is the call to be written down? */
static int look_before(struct pending *one) {
    const struct call *call = one->call;
    struct stat there;
    int has_folder = call->at > 0;
    switch (call->kind) {
    case WRITE: case WRITEV: case PWRITE: case PWRITEV: case SYNC: case SIZE:
        file_of(one->thread, (int)one->args[0], one->from);
        return below(one->from) != NULL;
    case FD_OTHER:
        file_of(one->thread, (int)one->args[call->at], one->from);
        return below(one->from) != NULL;
    case SYNCFS:
        return 1;
    case MAP:
        if (!(one->args[2] & PROT_WRITE) || (one->args[3] & MAP_TYPE) == MAP_PRIVATE || (int)one->args[4] < 0) return 0;
        file_of(one->thread, (int)one->args[4], one->from);
        return below(one->from) != NULL;
    case OPEN:
        if (!writes(one)) return 0;
        break;
    case PATH_OTHER:
        if (call->at < 0) return 1;
        break;
    default:
        break;
    }
    path_of(one, call->at, has_folder, one->from);
    one->was_there = !lstat(one->from, &there);
    if (call->kind == RENAME || call->kind == LINK)
        path_of(one, call->at + 1 + has_folder, has_folder, one->to);
    return 1;
}

/* The bytes that a call wrote. */
static void copy_bytes(const struct pending *one, long long length) {
    char *bytes = malloc((size_t)length + 1);
    if (!bytes) quit("memory");
    struct iovec parts[1024];
    size_t count = 1;
    parts[0] = (struct iovec){(void *)one->args[1], (size_t)length};
    if (one->call->kind == WRITEV || one->call->kind == PWRITEV) {
        count = one->args[2] < 1024 ? one->args[2] : 1024;
        struct iovec to = {parts, count * sizeof *parts}, from = {(void *)one->args[1], count * sizeof *parts};
        if (process_vm_readv(one->thread, &to, 1, &from, 1, 0) < 0) quit("process_vm_readv");
    }
    struct iovec to = {bytes, (size_t)length};
    if (process_vm_readv(one->thread, &to, 1, parts, count, 0) != length) quit("process_vm_readv");
    fwrite(bytes, 1, (size_t)length, trace);
    fputc('\n', trace);
    free(bytes);
}

static long long position(pid_t thread, int fd) {
    char path[64];
    long long at = -1;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", thread, fd);
    FILE *info = fopen(path, "r");
    if (!info || fscanf(info, "pos: %lld", &at) != 1) quit(path);
    fclose(info);
    return at;
}

static unsigned long long inode_at(const char *path) {
    struct stat there;
    return lstat(path, &there) ? 0 : there.st_ino;
}

/* What the kernel did. */
static void write_down(const struct pending *one, long long answer) {
    const struct call *call = one->call;
    const char *from = below(one->from), *to = below(one->to);
    int fd = (int)one->args[0];
    unsigned long long inode;
    switch (call->kind) {
    case WRITE: case WRITEV: case PWRITE: case PWRITEV:
        if (answer == 0) return;
        long long at = call->kind == PWRITE || call->kind == PWRITEV ? (long long)one->args[3] : position(one->thread, fd) - answer;
        fprintf(trace, "write\t%llu\t%lld\t%lld\n", inode_of(one->thread, fd), at, answer);
        copy_bytes(one, answer);
        return;
    case SYNC:
        fprintf(trace, "sync\t%llu\n", inode_of(one->thread, fd));
        return;
    case SYNCFS:
        fprintf(trace, "syncfs\n");
        return;
    case SIZE:
        fprintf(trace, "size\t%llu\t%llu\n", inode_of(one->thread, fd), one->args[1]);
        return;
    case FD_OTHER: case MAP:
        fprintf(trace, "unknown\t%s\t%s\n", call->name, from);
        return;
    case PATH_OTHER:
        fprintf(trace, "%s\t%s\t%s\n", from || call->at < 0 ? "unknown" : "outside", call->name, from ? from : one->from);
        return;
    case OPEN:
        if (!from) {
            fprintf(trace, "outside\t%s\t%s\n", call->name, one->from);
            return;
        }
        inode = inode_of(one->thread, (int)answer);
        if (!one->was_there) fprintf(trace, "make\t%llu\t%s\n", inode, from);
        else if (one->args[call->at + 1] & O_TRUNC) fprintf(trace, "size\t%llu\t0\n", inode);
        return;
    case MKDIR:
        if (from) fprintf(trace, "folder\t%llu\t%s\n", inode_at(one->from), from);
        break;
    case UNLINK:
        if (from) fprintf(trace, "gone\t%s\n", from);
        break;
    case RENAME: case LINK:
        if (from && to) fprintf(trace, "%s\t%s\t%s\n", call->kind == LINK ? "link" : "rename", from, to);
        else if (from || to) fprintf(trace, "unknown\t%s\t%s\n", call->name, from ? one->to : one->from);
        break;
    }
    if (!from) fprintf(trace, "outside\t%s\t%s\n", call->name, one->from);
}

/* Lets the first of the waiting calls into the kernel; those that need not be written down just go. */
static void let_go(void) {
    while (waiting) {
        struct pending *one = &pending[0];
        if (look_before(one)) {
            ptrace(PTRACE_SYSCALL, one->thread, 0, 0);
            return;
        }
        ptrace(PTRACE_CONT, one->thread, 0, 0);
        memmove(pending, pending + 1, (size_t)--waiting * sizeof *pending);
    }
}

static void forget(pid_t thread) {
    for (int i = 0; i < waiting; i++) {
        if (pending[i].thread != thread) continue;
        memmove(pending + i, pending + i + 1, (size_t)(--waiting - i) * sizeof *pending);
        if (i == 0) let_go();
        return;
    }
}

int main(int count, char **words) {
    int no_syncfs = count > 1 && !strcmp(words[1], "--no-syncfs");
    words += no_syncfs;
    count -= no_syncfs;
    if (count < 5 || strcmp(words[3], "--")) {
        fprintf(stderr, "usage: record_io [--no-syncfs] FOLDER TRACE -- COMMAND…\n");
        return OURS;
    }
    if (!realpath(words[1], folder)) quit(words[1]);
    trace = fopen(words[2], "we");
    if (!trace) quit(words[2]);
    pid_t child = fork();
    if (child < 0) quit("fork");
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0)) _exit(OURS);
        raise(SIGSTOP);
        if (filter_calls(no_syncfs)) _exit(OURS);
        execvp(words[4], words + 4);
        _exit(OURS);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) quit("this system lets nothing be traced");
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, options)) quit("ptrace");
    ptrace(PTRACE_CONT, child, 0, 0);
    int end = OURS << 8;
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0) break;
        if (!WIFSTOPPED(status)) {
            if (thread == child) end = status;
            forget(thread);
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        struct ptrace_syscall_info info;
        if (event == PTRACE_EVENT_SECCOMP) {
            if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) quit("PTRACE_GET_SYSCALL_INFO");
            if (waiting == MOST_THREADS) quit("too many threads");
            struct pending *one = &pending[waiting++];
            one->thread = thread;
            one->from[0] = one->to[0] = 0;
            for (size_t i = 0; i < CALL_COUNT; i++)
                if (CALLS[i].number == (int)info.seccomp.nr) one->call = &CALLS[i];
            for (int i = 0; i < 6; i++) one->args[i] = info.seccomp.args[i];
            if (waiting == 1) let_go();
        } else if (signal == (SIGTRAP | 0x80)) {
            if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) quit("PTRACE_GET_SYSCALL_INFO");
            if (!waiting || pending[0].thread != thread || info.op != PTRACE_SYSCALL_INFO_EXIT) quit("a stop out of turn");
            if (!info.exit.is_error) write_down(&pending[0], info.exit.rval);
            ptrace(PTRACE_CONT, thread, 0, 0);
            forget(thread);
        } else {
            /* A new thread begins with a stop that is no signal to it; so does what follows an exec. */
            int passed = event || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
            ptrace(PTRACE_CONT, thread, 0, passed);
        }
    }
    if (fclose(trace)) quit(words[2]);
    if (WIFSIGNALED(end)) return 128 + WTERMSIG(end);
    return WEXITSTATUS(end);
}
