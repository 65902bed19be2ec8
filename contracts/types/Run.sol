// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Where the run of a batch stands in memory, above what the compiler keeps for itself; {RunLib} makes sure of that. A
// fixed place makes reading a field a third as dear as through a pointer, and `libraries/UsualGroups.sol` does little
// else.
uint256 constant RUN = 0x800;

// The fields that assembly uses, in the order of the struct.
uint256 constant RUN_OFFSET = 0x800;
uint256 constant RUN_END = 0x820;
uint256 constant RUN_NEXT = 0x840;
uint256 constant RUN_ID = 0x860;
uint256 constant RUN_STREAMS = 0x880;
uint256 constant RUN_PRICE = 0x8a0;
uint256 constant RUN_DUE = 0x8c0;
uint256 constant RUN_CAP = 0x8e0;
uint256 constant RUN_RATE_LIMIT = 0x900;
uint256 constant RUN_PROVIDER = 0x920;
uint256 constant RUN_CELLS_KEY = 0x940;
uint256 constant RUN_CELLS_SLOT = 0x960;
uint256 constant RUN_CELLS = 0x980;
uint256 constant RUN_QUAD = 0x9a0;
uint256 constant RUN_ROOMS_SLOT = 0x9c0;
uint256 constant RUN_ROOMS = 0x9e0;
uint256 constant RUN_DEAL_PAGE = 0xa00;
uint256 constant RUN_DEALS_AT = 0xa20;
uint256 constant RUN_LIVE_ROWS = 0xa40;
uint256 constant RUN_FIRST_WORKER = 0xa60;
uint256 constant RUN_WORKERS_AT = 0xa80;
uint256 constant RUN_WORKERS = 0xaa0;
uint256 constant RUN_LEAVES_AT = 0xac0;
uint256 constant RUN_FACTS_AT = 0xae0;
uint256 constant RUN_GROUPS = 0xb00;
uint256 constant RUN_MODE = 0xb20;
uint256 constant RUN_CLOCK = 0xb40;
uint256 constant RUN_TODAY = 0xb60;
uint256 constant RUN_CLOSING_PERIOD = 0xb80;
uint256 constant RUN_CELLS_MAPPING = 0xba0;
uint256 constant RUN_ROOMS_MAPPING = 0xbc0;
uint256 constant RUN_MORE_CELLS_MAPPING = 0xbe0;
// A tally to be hashed: typehash, key, stream, first, count, units, segment.
uint256 constant TALLY = 0xe20;
uint256 constant TALLY_KEY = 0xe40;
uint256 constant TALLY_STREAM = 0xe60;
uint256 constant TALLY_FIRST = 0xe80;
uint256 constant TALLY_COUNT = 0xea0;
uint256 constant TALLY_UNITS = 0xec0;
uint256 constant TALLY_SEGMENT = 0xee0;
// Its digest's preimage: 0x1901, domain, struct hash.
uint256 constant DIGEST = 0xf00;
uint256 constant DIGEST_DOMAIN = 0xf02;
uint256 constant DIGEST_HASH = 0xf22;
// What ecrecover is asked: digest, v, r, s.
uint256 constant RECOVERY = 0xf60;
uint256 constant RECOVERY_V = 0xf80;
uint256 constant RECOVERY_R = 0xfa0;
uint256 constant RECOVERY_S = 0xfc0;
// Where free memory begins behind all that.
uint256 constant RUN_MEMORY_END = 0x1000;

/// @notice What one `settle` carries from group to group. Words that neighbours share stay here until another one
/// comes.
struct Run {
    // where the next group begins and the batch ends, as calldata offsets, and its lowest stream number
    uint256 offset;
    uint256 end;
    uint256 next;
    // deal of the last group
    uint256 id;
    uint256 streams;
    uint256 price;
    uint256 due;
    uint256 cap;
    uint256 rateLimit;
    uint256 provider;
    // a word of streams' cells and one of rooms: name, slot, content
    uint256 cellsKey;
    uint256 cellsSlot;
    uint256 cells;
    uint256 quad;
    uint256 roomsSlot;
    uint256 rooms;
    // a page of deals and one of workers: its number or first index, its content in memory, which rows hold or how many
    uint256 dealPage;
    uint256 dealsAt;
    uint256 liveRows;
    uint256 firstWorker;
    uint256 workersAt;
    uint256 workers;
    // what comes out
    uint256 leavesAt;
    uint256 factsAt;
    uint256 groups;
    // the same for the whole batch
    uint256 mode;
    uint256 clock;
    uint256 today;
    uint256 closingPeriod;
    uint256 cellsMapping;
    uint256 roomsMapping;
    uint256 moreCellsMapping;
    // not used by assembly
    bytes skipped;
    uint256 lane;
    uint256 dueIn;
    bytes32 domain;
    uint256 signatures;
    uint256 batchAt;
    // known of the deal with the id `judged` only
    uint256 judged;
    bytes32 key;
    uint256 budget;
    uint256 allowed;
    uint256 standing;
    uint256 place;
    uint256 dealsCapacity;
    uint256 workersCapacity;
    uint256 forceProvider;
    address forceWorker;
}

/// @title RunLib
/// @notice Sees to it that a {Run} stands in its place.
library RunLib {
    /// @notice The compiler has grown its own share of memory into the run's place.
    error RunPlaceTaken(uint256 found);

    /// @notice Moves free memory on to where the run belongs: the next thing allocated must be the run.
    function reserve() internal pure {
        uint256 found;
        assembly ("memory-safe") {
            found := mload(0x40)
        }
        require(found <= RUN, RunPlaceTaken(found));
        assembly ("memory-safe") {
            mstore(0x40, RUN)
        }
    }

    /// @notice Allocates what belongs to the run behind it, zeroed.
    function complete(Run memory run) internal pure {
        uint256 found;
        assembly ("memory-safe") {
            found := add(run, mul(sub(mload(0x40), TALLY), gt(mload(0x40), TALLY)))
        }
        require(found == RUN, RunPlaceTaken(found));
        // Copying from behind calldata writes zeros.
        assembly ("memory-safe") {
            mstore(0x40, RUN_MEMORY_END)
            calldatacopy(TALLY, calldatasize(), sub(RUN_MEMORY_END, TALLY))
        }
    }
}
