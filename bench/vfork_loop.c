/* The least that running a program many times can cost, to compare with: THREADS threads that vfork, exec and wait.
 *
 *   vfork_loop COUNT THREADS PROGRAM [ARGUMENT...]     a number from 1 to COUNT comes after the arguments
 *   vfork_loop now                                     the time at which main begins, in seconds
 *   vfork_loop spin MILLISECONDS                       that much work
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static atomic_long next;
static long count;
static char **words;
static int word_count;

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *work(void *unused) {
  char number[32], *argv[64];
  memcpy(argv, words, sizeof(char *) * (size_t)word_count);
  argv[word_count] = number;
  argv[word_count + 1] = NULL;
  for (long job; (job = atomic_fetch_add(&next, 1)) < count;) {
    snprintf(number, sizeof number, "%ld", job + 1);
    pid_t pid = vfork();
    if (pid == 0) {
      execve(argv[0], argv, environ);
      _exit(127);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) abort();
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "now") == 0) return printf("%.6f\n", seconds(CLOCK_REALTIME)) < 0;
  if (argc >= 3 && strcmp(argv[1], "spin") == 0) {
    const double until = seconds(CLOCK_PROCESS_CPUTIME_ID) + atof(argv[2]) / 1e3;
    while (seconds(CLOCK_PROCESS_CPUTIME_ID) < until) {
    }
    return 0;
  }
  if (argc < 4 || argc > 60) return 2;
  count = atol(argv[1]);
  const int threads = atoi(argv[2]) < 64 ? atoi(argv[2]) : 64;
  words = argv + 3;
  word_count = argc - 3;
  pthread_t ids[64];
  for (int i = 0; i < threads; ++i) pthread_create(&ids[i], NULL, work, NULL);
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
  return 0;
}
