/* A bench program as a guest: rounds in the first four bytes of the input (little-endian), 32 bytes of output. */
#include "bench.h"

#define OUTPUT ((uint8_t *)0x82000000)

uint32_t guest(const uint8_t *input) {
  bench((uint32_t)input[0] | (uint32_t)input[1] << 8 | (uint32_t)input[2] << 16 | (uint32_t)input[3] << 24, OUTPUT);
  return 32;
}
