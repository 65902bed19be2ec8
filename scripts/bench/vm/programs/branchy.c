/* What programs do between the arithmetic: decide. Each round runs bytecode through a switch, sorts through a function
   pointer, searches, keeps a hash table and a heap, parses text by recursive descent and places queens. */
#include "bench.h"

static uint32_t seed;

static uint32_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

/* --- bytecode --------------------------------------------------------------------------------------------------- */
enum { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, DROP, OVER, SHIFT, LESS, SKIP, LOOP, NOT, ROTATE, NOTHING, CODES };

static uint32_t interpret(const uint8_t *code, uint32_t length) {
  uint32_t stack[32], depth = 4, loops = 40;
  for (int i = 0; i < 32; i++) stack[i] = (uint32_t)i;
  for (uint32_t at = 0; at < length; at++) {
    if (depth < 4) depth = 4;
    if (depth > 30) depth = 30;
    uint32_t *top = stack + depth - 1;
    switch (code[at] % CODES) {
      case PUSH: top[1] = code[at] * 31u; depth++; break;
      case ADD: top[-1] += top[0]; depth--; break;
      case SUB: top[-1] -= top[0]; depth--; break;
      case MUL: top[-1] *= top[0]; depth--; break;
      case XOR: top[-1] ^= top[0]; depth--; break;
      case DUP: top[1] = top[0]; depth++; break;
      case SWAP: { uint32_t t = top[0]; top[0] = top[-1]; top[-1] = t; break; }
      case DROP: depth--; break;
      case OVER: top[1] = top[-1]; depth++; break;
      case SHIFT: top[0] = top[0] << 3 ^ top[0] >> 5; break;
      case LESS: top[-1] = top[-1] < top[0]; depth--; break;
      case SKIP: if (top[0] & 1) at++; break;
      case LOOP: if (loops > 0 && top[0] % 3 == 0) { loops--; at = at > 64 ? at - 64 : 0; } break;
      case NOT: top[0] = ~top[0]; break;
      case ROTATE: { uint32_t t = top[0]; top[0] = top[-1]; top[-1] = top[-2]; top[-2] = t; break; }
      default: break;
    }
  }
  uint32_t sum = 0;
  for (uint32_t i = 0; i < depth; i++) sum = sum * 33 + stack[i];
  return sum;
}

/* --- sorting and searching -------------------------------------------------------------------------------------- */
typedef int (*comparison)(uint32_t left, uint32_t right);

static int rising(uint32_t left, uint32_t right) { return left < right ? -1 : left > right; }
static int byLowHalf(uint32_t left, uint32_t right) {
  uint32_t l = left & 0xffff, r = right & 0xffff;
  return l != r ? (l < r ? -1 : 1) : rising(left, right);
}

static void sort(uint32_t *values, int count, comparison compare) {
  while (count > 12) {
    uint32_t pivot = values[count / 2];
    int low = 0, high = count - 1;
    while (low <= high) {
      while (compare(values[low], pivot) < 0) low++;
      while (compare(values[high], pivot) > 0) high--;
      if (low <= high) {
        uint32_t t = values[low];
        values[low++] = values[high];
        values[high--] = t;
      }
    }
    if (high + 1 < count - low) {
      sort(values, high + 1, compare);
      values += low, count -= low;
    } else {
      sort(values + low, count - low, compare);
      count = high + 1;
    }
  }
  for (int i = 1; i < count; i++) {
    uint32_t value = values[i];
    int at = i;
    for (; at > 0 && compare(values[at - 1], value) > 0; at--) values[at] = values[at - 1];
    values[at] = value;
  }
}

static int find(const uint32_t *values, int count, uint32_t wanted) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* --- a hash table and a heap ------------------------------------------------------------------------------------ */
#define SLOTS 4096
static uint32_t keys[SLOTS], counts[SLOTS];

static uint32_t count(uint32_t key) {
  uint32_t slot = key * 2654435769u >> 20;
  while (keys[slot] != key && keys[slot] != 0) slot = (slot + 1) % SLOTS;
  keys[slot] = key;
  return ++counts[slot];
}

static uint32_t heap[1024];
static int heaped;

static void put(uint32_t value) {
  int at = heaped++;
  for (; at > 0 && heap[(at - 1) / 2] > value; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = value;
}

static uint32_t take(void) {
  uint32_t least = heap[0], last = heap[--heaped];
  int at = 0;
  for (int child = 1; child < heaped; child = 2 * at + 1) {
    if (child + 1 < heaped && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= last) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return least;
}

/* --- text ------------------------------------------------------------------------------------------------------- */
static const char *text;

static uint32_t sum(void);

static uint32_t factor(void) {
  uint32_t value = 0;
  if (*text == '(') {
    text++;
    value = sum();
    if (*text == ')') text++;
    return value;
  }
  if (*text == '-') {
    text++;
    return -factor();
  }
  while (*text >= '0' && *text <= '9') value = value * 10 + (uint32_t)(*text++ - '0');
  return value;
}

static uint32_t product(void) {
  uint32_t value = factor();
  for (;;) {
    if (*text == '*') {
      text++;
      value *= factor();
    } else if (*text == '/') {
      text++;
      uint32_t by = factor();
      value = by == 0 ? 0 : value / by;
    } else return value;
  }
}

static uint32_t sum(void) {
  uint32_t value = product();
  while (*text == '+' || *text == '-') {
    int minus = *text++ == '-';
    uint32_t other = product();
    value = minus ? value - other : value + other;
  }
  return value;
}

/* --- queens ----------------------------------------------------------------------------------------------------- */
static uint32_t queens(uint32_t all, uint32_t columns, uint32_t left, uint32_t right) {
  if (columns == all) return 1;
  uint32_t found = 0;
  for (uint32_t free = all & ~(columns | left | right); free != 0; free &= free - 1) {
    uint32_t queen = free & -free;
    found += queens(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
  }
  return found;
}

static uint32_t values[1024];
static uint8_t code[512];

static uint32_t round_(uint32_t number) {
  uint32_t mixed = number;
  for (int i = 0; i < 512; i++) code[i] = (uint8_t)(next() >> 7);
  mixed = mixed * 33 + interpret(code, sizeof code);
  for (int i = 0; i < 1024; i++) values[i] = next();
  sort(values, 1024, number & 1 ? byLowHalf : rising);
  sort(values, 1024, rising);
  for (int i = 0; i < 512; i++) mixed += (uint32_t)find(values, 1024, next());
  for (int i = 0; i < SLOTS; i++) keys[i] = counts[i] = 0;
  for (int i = 0; i < 2048; i++) mixed ^= count(next() % 3001 + 1);
  for (int i = 0; i < 1023; i++) put(next() % 100000);
  while (heaped > 0) mixed = mixed * 31 + take();
  for (int i = 0; i < 8; i++) {
    text = "(12+3)*(45-6)/7+((8*9)-(10/2))*(11+12*13)-(-14+15*(16-17))+1024/(3+5)*77-(((1+2)*3+4)*5+6)*7";
    mixed = mixed * 31 + sum();
  }
  return mixed + queens((1u << 6) - 1, 0, 0, 0);
}

void bench(uint32_t rounds, uint8_t digest[32]) {
  uint32_t state[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  seed = 2463534242u;
  for (uint32_t i = 0; i < rounds; i++) state[i % 8] = state[i % 8] * 1000003u + round_(i);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(state[i / 4] >> (8 * (i % 4)));
}
