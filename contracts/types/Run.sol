// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What one `settle` carries from group to group. Words that neighbours share stay here until another one comes.
/// @dev `libraries/UsualGroups.sol` knows the first fields by their place: the order is part of the type.
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
    // 0x140: a word of streams' cells, a word of rooms, a page of workers
    uint256 cellsKey;
    uint256 cells;
    uint256 quad;
    uint256 rooms;
    uint256 today;
    uint256 page;
    address pageAt;
    // 0x220: memory of hashing and of what comes out
    uint256 workspace;
    uint256 leafAt;
    uint256 factsAt;
    uint256 appliedAt;
    uint256 groups;
    uint256 moved;
    uint256 mode;
    // not known by place
    uint256 lane;
    uint256 clock;
    uint256 dueIn;
    uint256 closingPeriod;
    bytes32 domain;
    uint256 signatures;
    uint256 batchAt;
    bytes32 key;
    uint256 budget;
    uint256 allowed;
    uint256 standing;
    uint256 place;
    uint256 dealPage;
    address dealPageAt;
    uint256 liveRows;
    uint256 forceProvider;
    address forceWorker;
}
