/**
 * Which flights lead from an airport to all others, with as few changes as can be, and by which hubs?
 *
 * Dijkstra's algorithm: fewest flights first, then fewest kilometres, then the smaller number of the airport before.
 *
 * Input, little-endian: airports (u16), flights (u16), first airport asked about (u16), how many (u16), then each
 * flight: from (u16), to (u16), kilometres (u16); in ascending order of from. Output for each airport asked about, for
 * each other in order and itself: flights (u16; all ones: no way), kilometres (u16), to how many airports the way leads
 * through it (u16).
 */
#include <string.h>
#include <tally.h>

enum { MAX_AIRPORTS = 512, HEADER = 8 };

static const uint32_t NOWHERE = 0xffffffff;

struct flight {
    uint16_t from, to, kilometres;
};

static uint32_t airports, flights;
static struct flight network[65536];
/** First flight of each airport. */
static uint32_t departures[MAX_AIRPORTS + 1];
/** Flights in the high half, kilometres in the low one. */
static uint32_t cost[MAX_AIRPORTS];
static uint16_t before[MAX_AIRPORTS], beyond[MAX_AIRPORTS], order[MAX_AIRPORTS];
static uint8_t is_reached[MAX_AIRPORTS];

static void read_network(const uint8_t *at)
{
    memcpy(network, at, flights * sizeof *network);
    for (uint32_t index = 0; index < flights; index++) {
        if (network[index].from >= airports || network[index].to >= airports) tally_trap();
        if (index > 0 && network[index].from < network[index - 1].from) tally_trap();
        departures[network[index].from + 1] = index + 1;
    }
    for (uint32_t airport = 0; airport < airports; airport++) {
        if (departures[airport + 1] < departures[airport]) departures[airport + 1] = departures[airport];
    }
}

/** The airport with the least cost among those that are not reached yet. */
static uint32_t nearest(void)
{
    uint32_t best = MAX_AIRPORTS;
    for (uint32_t airport = 0; airport < airports; airport++) {
        if (is_reached[airport] || cost[airport] == NOWHERE) continue;
        if (best == MAX_AIRPORTS || cost[airport] < cost[best]) best = airport;
    }
    return best;
}

static void find_ways(uint32_t start)
{
    memset(cost, 0xff, sizeof cost);
    memset(is_reached, 0, sizeof is_reached);
    memset(beyond, 0, sizeof beyond);
    uint32_t count = 0;
    cost[start] = 0;
    for (uint32_t airport = nearest(); airport != MAX_AIRPORTS; airport = nearest()) {
        is_reached[airport] = 1;
        order[count++] = airport;
        for (uint32_t index = departures[airport]; index < departures[airport + 1]; index++) {
            uint32_t to = network[index].to, over = cost[airport] + 0x10000 + network[index].kilometres;
            if (over > cost[to] || (over == cost[to] && airport >= before[to])) continue;
            cost[to] = over;
            before[to] = airport;
        }
    }
    // from the farthest to the nearest: who is reached by way of me is reached by way of the airport before me
    while (count-- > 1) beyond[before[order[count]]] += beyond[order[count]] + 1;
}

int tally_main(const uint8_t *input, uint32_t length)
{
    uint16_t header[HEADER / 2];
    if (length < HEADER) tally_trap();
    memcpy(header, input, HEADER);
    airports = header[0];
    flights = header[1];
    uint32_t first = header[2], count = header[3];
    if (airports > MAX_AIRPORTS || first + count > airports) tally_trap();
    if (length != HEADER + flights * sizeof *network) tally_trap();
    read_network(input + HEADER);
    for (uint32_t start = first; start < first + count; start++) {
        find_ways(start);
        for (uint32_t airport = 0; airport < airports; airport++) {
            uint16_t record[] = {cost[airport] >> 16, cost[airport], beyond[airport]};
            tally_output(record, sizeof record);
        }
    }
    return 0;
}
