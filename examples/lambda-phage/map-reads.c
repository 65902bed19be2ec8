/**
 * Where on a small genome do reads of a sequencer come from?
 *
 * Seed and extend, as read mappers do: words of ten letters are looked up in an index of the genome; the words of a
 * read, on both strands, vote for places; the places with most votes are aligned letter by letter. Up to a fifth of the
 * letters may differ, be inserted or be missing.
 *
 * Input, little-endian: letters of the genome (u32), reads (u32), the genome (2 bits a letter, ACGT, low bits first),
 * then each read: letters (u16), letters (4 bits each, ACGT as 0 to 3, 4 for unknown, low bits first). Output for each
 * read: place of its first letter, from 0 (u32; all ones: none found), strand (u8; 1: the other one), differences (u8).
 */
#include <string.h>
#include <tally.h>

enum { WORD = 10, WORDS = 1 << (2 * WORD), MAX_GENOME = 65000, MAX_READ = 500, MARGIN = 1024 };
/** Places a bucket of votes spans, letters inserted or missing that an alignment allows on either side, their sum. */
enum { BUCKET = 16, SHIFT = 12, BAND = BUCKET + 2 * SHIFT };
enum { BUCKETS = (MAX_GENOME + 2 * MARGIN) / BUCKET, CANDIDATES = 3, UNKNOWN = 4, OUTSIDE = 5, FORBIDDEN = 1000 };

static uint8_t genome[MARGIN + MAX_GENOME + MARGIN];
static uint32_t genome_length;
/** For each word, one more than its last place; for each place, one more than the previous place of the same word. */
static uint16_t last[WORDS], previous[MAX_GENOME];
static uint16_t votes[BUCKETS];
static uint16_t voted[MAX_READ * 64];

struct candidate {
    uint32_t votes, bucket, strand;
};
struct placement {
    uint32_t place, strand, differences;
};

static uint32_t read_u16(const uint8_t *at) { return at[0] | at[1] << 8; }
static uint32_t read_u32(const uint8_t *at) { return read_u16(at) | read_u16(at + 2) << 16; }

static void load_genome(const uint8_t *packed)
{
    memset(genome, OUTSIDE, sizeof genome);
    uint32_t word = 0;
    for (uint32_t place = 0; place < genome_length; place++) {
        uint32_t letter = packed[place / 4] >> (2 * (place % 4)) & 3;
        genome[MARGIN + place] = letter;
        word = (word << 2 | letter) & (WORDS - 1);
        if (place + 1 < WORD) continue;
        uint32_t start = place + 1 - WORD;
        previous[start] = last[word];
        last[word] = start + 1;
    }
}

static void vote(const uint8_t *read, uint32_t length, uint32_t strand, struct candidate *best)
{
    uint32_t count = 0, word = 0, known = 0;
    for (uint32_t end = 0; end < length; end++) {
        word = (word << 2 | (read[end] & 3)) & (WORDS - 1);
        known = read[end] == UNKNOWN ? 0 : known + 1;
        if (known < WORD) continue;
        uint32_t offset = end + 1 - WORD;
        for (uint32_t place = last[word]; place != 0 && count < MAX_READ * 64; place = previous[place - 1]) {
            uint32_t bucket = (place - 1 + MARGIN - offset) / BUCKET;
            if (votes[bucket]++ == 0) voted[count++] = bucket;
        }
    }
    for (uint32_t index = 0; index < count; index++) {
        struct candidate one = {votes[voted[index]], voted[index], strand};
        votes[voted[index]] = 0;
        for (uint32_t rank = 0; rank < CANDIDATES; rank++) {
            if (one.votes <= best[rank].votes) continue;
            struct candidate worse = best[rank];
            best[rank] = one;
            one = worse;
        }
    }
}

/** Fewest differences of the read from the genome near a bucket; a cell holds them above the shift it began with. */
static void align(const uint8_t *read, uint32_t length, struct candidate near, struct placement *best)
{
    uint32_t cells[BAND + 1];
    const uint8_t *from = genome + near.bucket * BUCKET - SHIFT;
    for (uint32_t shift = 0; shift < BAND; shift++) cells[shift] = shift;
    cells[BAND] = FORBIDDEN << 8;
    for (uint32_t at = 0; at < length; at++) {
        uint32_t left = FORBIDDEN << 8;
        for (uint32_t shift = 0; shift < BAND; shift++) {
            uint32_t letter = from[at + shift];
            uint32_t aligned = cells[shift] + ((letter == OUTSIDE ? FORBIDDEN : letter != read[at]) << 8);
            uint32_t inserted = cells[shift + 1] + (1 << 8);
            uint32_t missing = left + (1 << 8);
            uint32_t cell = aligned < inserted ? aligned : inserted;
            left = cells[shift] = cell < missing ? cell : missing;
        }
    }
    for (uint32_t shift = 0; shift < BAND; shift++) {
        uint32_t differences = cells[shift] >> 8;
        if (differences >= best->differences) continue;
        best->differences = differences;
        best->strand = near.strand;
        best->place = from + (cells[shift] & 0xff) - (genome + MARGIN);
    }
}

static struct placement place(const uint8_t *read, uint32_t length)
{
    uint8_t other[MAX_READ];
    for (uint32_t at = 0; at < length; at++) {
        uint32_t letter = read[length - 1 - at];
        other[at] = letter == UNKNOWN ? UNKNOWN : 3 - letter;
    }
    struct candidate candidates[CANDIDATES] = {0};
    vote(read, length, 0, candidates);
    vote(other, length, 1, candidates);
    struct placement best = {0xffffffff, 0, length / 5 + 1};
    for (uint32_t rank = 0; rank < CANDIDATES && candidates[rank].votes > 0; rank++) {
        align(candidates[rank].strand ? other : read, length, candidates[rank], &best);
    }
    if (best.place == 0xffffffff) best.differences = 0;
    return best;
}

int tally_main(const uint8_t *input, uint32_t length)
{
    if (length < 8) tally_trap();
    genome_length = read_u32(input);
    uint32_t reads = read_u32(input + 4);
    if (genome_length < WORD || genome_length > MAX_GENOME || 8 + genome_length / 4 >= length) tally_trap();
    load_genome(input + 8);

    const uint8_t *at = input + 8 + (genome_length + 3) / 4, *end = input + length;
    for (uint32_t index = 0; index < reads; index++) {
        uint8_t letters[MAX_READ];
        if (at + 2 > end) tally_trap();
        uint32_t count = read_u16(at);
        at += 2;
        if (count > MAX_READ || at + (count + 1) / 2 > end) tally_trap();
        for (uint32_t letter = 0; letter < count; letter++) {
            letters[letter] = at[letter / 2] >> (4 * (letter % 2)) & 15;
            if (letters[letter] > UNKNOWN) tally_trap();
        }
        at += (count + 1) / 2;
        struct placement found = place(letters, count);
        uint8_t rest[] = {found.strand, found.differences};
        tally_output(&found.place, sizeof found.place);
        tally_output(rest, sizeof rest);
    }
    return 0;
}
