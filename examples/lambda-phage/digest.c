/**
 * Cuts a linear genome with restriction enzymes, as every biology class does with phage lambda.
 *
 * Input, little-endian: letters of the genome (u32), the genome (2 bits a letter, ACGT, low bits first), then enzymes
 * as text, one a line: name, recognised letters, letters of them before the cut, such as `EcoRI GAATTC 1`. Output,
 * text, one line each: name, number of cuts, lengths of the fragments, longest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally.h>

enum { MAX_FRAGMENTS = 4096, MAX_SITE = 32 };

static uint32_t fragments[MAX_FRAGMENTS];

static int longer_first(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

static void digest(const char *genome, const char *name, const char *site, uint32_t before)
{
    uint32_t count = 0, from = 0;
    for (const char *found = strstr(genome, site); found != NULL; found = strstr(found + 1, site)) {
        uint32_t cut = found - genome + before;
        if (count == MAX_FRAGMENTS - 1) tally_trap();
        fragments[count++] = cut - from;
        from = cut;
    }
    fragments[count++] = strlen(genome) - from;
    qsort(fragments, count, sizeof *fragments, longer_first);
    printf("%s %lu", name, (unsigned long)count - 1);
    for (uint32_t index = 0; index < count; index++) printf(" %lu", (unsigned long)fragments[index]);
    printf("\n");
}

int tally_main(const uint8_t *input, uint32_t length)
{
    uint32_t letters = 0;
    if (length >= sizeof letters) memcpy(&letters, input, sizeof letters);
    if (length < 4 || letters > 4 * (length - 4)) tally_trap();
    char *genome = malloc(letters + 1);
    for (uint32_t at = 0; at < letters; at++) genome[at] = "ACGT"[input[4 + at / 4] >> (2 * (at % 4)) & 3];
    genome[letters] = '\0';

    uint32_t from = 4 + (letters + 3) / 4;
    char *text = malloc(length - from + 1);
    memcpy(text, input + from, length - from);
    text[length - from] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name[MAX_SITE], site[MAX_SITE];
        unsigned before;
        if (sscanf(line, "%31s %31s %u", name, site, &before) != 3) tally_trap();
        digest(genome, name, site, before);
    }
    return 0;
}
