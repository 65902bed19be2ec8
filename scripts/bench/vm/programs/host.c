/* A bench program as a native one: rounds as argument; writes nanoseconds and the digest. */
#define _POSIX_C_SOURCE 199309L
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
  uint8_t digest[32];
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  bench(argc > 1 ? (uint32_t)strtoul(argv[1], 0, 10) : 1, digest);
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%lld ", (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec));
  for (int i = 0; i < 32; i++) printf("%02x", digest[i]);
  printf("\n");
  return 0;
}
