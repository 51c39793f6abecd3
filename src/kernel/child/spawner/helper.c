/*
 * The program of a spawn helper where a compiler was at hand: it starts what its parent orders, says how each program ended, and ends with
 * its parent. What is read and written is described in wire.ts.
 *
 * vfork is why it is written in C: the child borrows this process's memory until it executes the program, so nothing is copied. A fork of
 * Perl copies what both touch, which costs more than a small program itself does. Between vfork and exec only system calls are made.
 *
 * Argument: the parent's pid. scripts/spawner.sh compiles it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What a program is started with. The texts are those of the order. */
struct order {
  const char *id;
  int ends[3];
  int marked;
  struct rlimit mark;
  const char *cwd;
  char **argv;
  char **env;
};

/* A program that has begun and not ended. */
struct running {
  pid_t pid;
  char id[24];
};

static pid_t parent, self;
static struct running *running;
static size_t count, room;

static void give_up(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

/* This process and each program die with the process that started them, also by KILL. */
static int die_with(pid_t owner) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -1;
  errno = ESRCH;
  return getppid() == owner ? 0 : -1;
}

/* Runs in the child, in the parent's memory. Returns only when something failed, with errno. */
static void become(const struct order *order) {
  sigset_t none;
  sigemptyset(&none);
  if (die_with(self) < 0) return;
  /* A session and process group of its own, so that a signal to the group reaches only the program and its descendants. */
  setsid();
  if (order->marked && setrlimit(RLIMIT_RTTIME, &order->mark) < 0) return;
  if (chdir(order->cwd) < 0) return;
  for (int stream = 0; stream < 3; stream++)
    if (dup2(order->ends[stream], stream) < 0) return;
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvp(order->argv[0], order->argv);
}

/* Starts the program and waits until it is executed. Returns 0, or the error's number. */
static int start(const struct order *order, pid_t *pid) {
  static volatile int failed;
  failed = 0;
  /* The program is looked for in the PATH that it gets. */
  environ = order->env;
  *pid = vfork();
  if (*pid == 0) {
    become(order);
    failed = errno ? errno : EPERM;
    _exit(127);
  }
  if (*pid < 0) return errno;
  if (failed) waitpid(*pid, NULL, 0);
  return failed;
}

static void note(pid_t pid, const char *id) {
  if (count == room) {
    room = room ? 2 * room : 64;
    running = realloc(running, room * sizeof *running);
    if (!running) give_up("no memory");
  }
  running[count].pid = pid;
  snprintf(running[count++].id, sizeof running->id, "%s", id);
}

/* A descriptor of the parent, opened again. Opening waits for nobody: the parent holds both ends. */
static int reopen(const char *number, int flags) {
  char path[64] = "/dev/null";
  if (*number) snprintf(path, sizeof path, "/proc/%d/fd/%s", parent, number);
  return open(path, flags | O_CLOEXEC);
}

static void begin(struct order *order, char *const streams[3]) {
  static char *nothing[] = {NULL};
  pid_t pid = 0;
  int problem = 0, opened = 0;
  /* Before the answer, after which the parent closes its own. */
  for (; opened < 3 && !problem; opened++) {
    order->ends[opened] = reopen(streams[opened], opened == 0 ? O_RDONLY : O_WRONLY);
    if (order->ends[opened] < 0) problem = errno;
  }
  if (!problem) problem = start(order, &pid);
  environ = nothing;
  while (opened-- > 0)
    if (order->ends[opened] >= 0) close(order->ends[opened]);
  if (problem) {
    dprintf(1, "f %s %d\n", order->id, problem);
    return;
  }
  note(pid, order->id);
  dprintf(1, "s %s %d\n", order->id, pid);
}

/* Takes an order apart: `size` bytes, and a NUL behind them. */
static void obey(char *text, size_t size) {
  enum { id, first_stream, soft = 4, hard, cwd, number, file };
  static char **words;
  static size_t most;
  size_t found = 0, end = SIZE_MAX;
  for (char *at = text; at <= text + size; at += strlen(at) + 1) {
    /* This word, the end of the arguments before it, and two ends behind the last one. */
    if (found + 4 > most) {
      most = most ? 2 * most : 256;
      words = realloc(words, most * sizeof *words);
      if (!words) give_up("no memory");
    }
    if (found == file) end = file + 1 + strtoul(words[number], NULL, 10);
    if (found == end) words[found++] = NULL;
    words[found++] = at;
  }
  if (found <= file || found < end) give_up("an order that is none");
  words[found] = words[found + 1] = NULL;
  struct order order = {.id = words[id], .cwd = words[cwd], .argv = words + file, .env = words + end + 1};
  order.marked = *words[soft] != '\0';
  order.mark.rlim_cur = strtoull(words[soft], NULL, 10);
  order.mark.rlim_max = strtoull(words[hard], NULL, 10);
  begin(&order, words + first_stream);
}

/* Reads what the parent has sent, and carries out what is whole: four bytes of length, big-endian, then the order. */
static void listen_to_parent(void) {
  static unsigned char *input;
  static char *text;
  static size_t have, most, longest;
  if (most - have < 1 << 15) {
    most = most ? 2 * most : 1 << 16;
    input = realloc(input, most);
    if (!input) give_up("no memory");
  }
  ssize_t got = read(0, input + have, most - have);
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) exit(0);
  have += got;
  size_t at = 0;
  while (have - at >= 4) {
    const unsigned char *head = input + at;
    size_t size = (size_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
    if (have - at - 4 < size) break;
    if (size >= longest) {
      longest = 2 * size + 4096;
      text = realloc(text, longest);
      if (!text) give_up("no memory");
    }
    memcpy(text, head + 4, size);
    text[size] = '\0';
    obey(text, size);
    at += 4 + size;
  }
  memmove(input, input + at, have - at);
  have -= at;
}

static void reap(int signals) {
  struct signalfd_siginfo ignored[16];
  while (read(signals, ignored, sizeof ignored) > 0) continue;
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    size_t at = 0;
    while (at < count && running[at].pid != pid) at++;
    if (at == count) continue;
    if (WIFSIGNALED(status))
      dprintf(1, "k %s %d\n", running[at].id, WTERMSIG(status));
    else
      dprintf(1, "x %s %d\n", running[at].id, WEXITSTATUS(status));
    running[at] = running[--count];
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  parent = atoi(argv[1]);
  self = getpid();
  /* A stop is for the parent to carry out: steps are told first. The parent's end closes the input. */
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (die_with(parent) < 0) give_up("it cannot be tied to its parent");
  /* Where limits may not be set (seccomp), others can start programs without the mark: this one would fail at each. */
  struct rlimit limit;
  if (getrlimit(RLIMIT_RTTIME, &limit) < 0 || setrlimit(RLIMIT_RTTIME, &limit) < 0) give_up("limits cannot be set");
  char folder[64];
  snprintf(folder, sizeof folder, "/proc/%d/fd", parent);
  if (access(folder, R_OK | X_OK) < 0) give_up(folder);
  /* The end of a program is read like any other input, so that none is missed between two looks. */
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &ends, NULL) < 0) give_up("SIGCHLD cannot be held back");
  int signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) give_up("no signalfd");
  dprintf(1, "r\n");
  struct pollfd inputs[] = {{.fd = 0, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  for (;;) {
    if (poll(inputs, 2, -1) < 0) continue;
    if (inputs[1].revents) reap(signals);
    if (inputs[0].revents) listen_to_parent();
  }
}
