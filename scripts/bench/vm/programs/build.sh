#!/bin/sh
# Builds the guests again. Needs riscv64-unknown-elf-gcc (Debian: gcc-riscv64-unknown-elf 12.2, picolibc-riscv64-unknown-elf).
set -e
cd "$(dirname "$0")"
for name in sha256 branchy; do
  riscv64-unknown-elf-gcc -O2 -march=rv32im -mabi=ilp32 -ffreestanding -nostdlib -fno-ident -Wall -Wextra -std=c11 \
    -Wl,-T,link.ld,--build-id=none,-s,-z,max-page-size=4096 -o "$name.elf" start.S guest.c "$name.c" -lgcc
done
