// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What one `settle` carries from group to group. Words that neighbours share stay here until another one comes.
/// @dev `libraries/UsualGroups.sol` knows the first fields by their place: their order is part of the type.
struct Run {
    // 0x000: where the next group begins and the batch ends, as calldata offsets, and its lowest stream number
    uint256 offset;
    uint256 end;
    uint256 next;
    // 0x060: deal of the last group
    uint256 id;
    uint256 streams;
    uint256 price;
    uint256 due;
    uint256 cap;
    uint256 rateLimit;
    uint256 provider;
    // 0x140: a word of streams' cells and one of rooms: name, slot, content
    uint256 cellsKey;
    uint256 cellsSlot;
    uint256 cells;
    uint256 quad;
    uint256 roomsSlot;
    uint256 rooms;
    // 0x200: a page of deals and one of workers: number, content in memory, which rows hold or how many there are
    uint256 dealPage;
    uint256 dealsAt;
    uint256 liveRows;
    uint256 firstWorker;
    uint256 workersAt;
    uint256 workers;
    // 0x2c0: memory of hashing and of what comes out
    uint256 workspace;
    uint256 leavesAt;
    uint256 factsAt;
    uint256 groups;
    // 0x340: the same for the whole batch
    uint256 mode;
    uint256 clock;
    uint256 today;
    uint256 closingPeriod;
    uint256 cellsMapping;
    uint256 roomsMapping;
    uint256 moreCellsMapping;
    // 0x420: a bitmap of the groups that were skipped
    bytes skipped;
    // not known by place; from `judged` on known only of the deal with that id
    uint256 lane;
    uint256 dueIn;
    bytes32 domain;
    uint256 signatures;
    uint256 batchAt;
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
