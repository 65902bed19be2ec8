// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FactsLib} from "./FactsLib.sol";
import {MerkleLib} from "./MerkleLib.sol";

/// @title PlaceLib
/// @notice Reads where a settled group stands, as bytes in calldata: in its batch and the batch in its interval's
/// chain, or in its stream's chain.
/// @dev `protocol/openings.ts` writes them. Calls that show them cost their bytes, so lengths do not stand in them:
/// they follow from the number of groups and the group's index. Offsets are absolute calldata offsets; a reader that
/// ran past the place's end shows when it is asked for the links, which end with the place.
library PlaceLib {
    /// @notice What a place says of its group, as the worker signed it.
    struct Tally {
        bytes32 dealKey;
        uint256 stream;
        uint256 first;
        uint256 count;
        uint256 units;
    }

    /// @notice What a place in a batch begins with.
    struct BatchPlace {
        uint256 mode;
        bytes32 blobs;
        uint256 groups;
        uint256 index;
        uint256 time;
        bytes26 chain;
        Tally tally;
    }

    /// @notice What a place in a stream begins with.
    struct StreamPlace {
        uint256 dealId;
        uint256 time;
        bytes27 chain;
        uint256 record;
        Tally tally;
    }

    uint256 private constant CHUNK_RECORDS = FactsLib.CHUNK / FactsLib.SIZE;

    /// @notice `mode (1) ‖ [blobs (32), unless mode is 0] ‖ groups (4) ‖ index (4) ‖ time (4) ‖ chain (26) ‖
    /// tally (44)`.
    /// @return place What was read.
    /// @return next Offset behind it.
    function readBatchPlace(uint256 offset) internal pure returns (BatchPlace memory place, uint256 next) {
        place.mode = _number(offset, 1);
        next = offset + 1;
        if (place.mode != 0) {
            place.blobs = bytes32(_number(next, 32));
            next += 32;
        }
        place.groups = _number(next, 4);
        place.index = _number(next + 4, 4);
        place.time = _number(next + 8, 4);
        place.chain = bytes26(bytes32(_number(next + 12, 26) << 48));
        (place.tally, next) = readTally(next + 38);
    }

    /// @notice `deal id (4) ‖ time (4) ‖ chain (27) ‖ record (16) ‖ tally (44)`.
    /// @return place What was read.
    /// @return next Offset behind it.
    function readStreamPlace(uint256 offset) internal pure returns (StreamPlace memory place, uint256 next) {
        place.dealId = _number(offset, 4);
        place.time = _number(offset + 4, 4);
        place.chain = bytes27(bytes32(_number(offset + 8, 27) << 40));
        place.record = _number(offset + 35, FactsLib.SIZE);
        (place.tally, next) = readTally(offset + 51);
    }

    /// @notice Root of a batch's tree above group `index` of `groups`, from the hashes of the other groups of its chunk
    /// and the Merkle path of that.
    /// @dev Assumes index < groups.
    /// @return root The root.
    /// @return next Offset behind what was read.
    function groupsRoot(
        bytes32 leaf,
        uint256 index,
        uint256 groups,
        uint256 offset
    ) internal pure returns (bytes32 root, uint256 next) {
        uint256 before = index % MerkleLib.CHUNK;
        uint256 left = groups - (index - before);
        uint256 others = (left < MerkleLib.CHUNK ? left : MerkleLib.CHUNK) - 1;
        bytes32 chunk;
        // Scratch: a word for each group of the chunk from the free memory pointer on, not reserved.
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            let middle := shl(5, before)
            calldatacopy(scratch, offset, middle)
            mstore(add(scratch, middle), leaf)
            calldatacopy(add(scratch, add(middle, 32)), add(offset, middle), shl(5, sub(others, before)))
            chunk := keccak256(scratch, shl(5, add(others, 1)))
        }
        uint256 chunks = (groups + MerkleLib.CHUNK - 1) / MerkleLib.CHUNK;
        return MerkleLib.climb(chunk, index / MerkleLib.CHUNK, chunks, offset + 32 * others);
    }

    /// @notice Facts root above the record of group `index` of `groups`, from the records of its chunk and the Merkle
    /// path of that.
    /// @dev Assumes index < groups.
    /// @return root The root.
    /// @return record The group's record.
    /// @return next Offset behind what was read.
    function factsRoot(
        uint256 index,
        uint256 groups,
        uint256 offset
    ) internal pure returns (bytes32 root, uint256 record, uint256 next) {
        uint256 before = index % CHUNK_RECORDS;
        uint256 left = groups - (index - before);
        uint256 size = FactsLib.SIZE * (left < CHUNK_RECORDS ? left : CHUNK_RECORDS);
        record = _number(offset + FactsLib.SIZE * before, FactsLib.SIZE);
        bytes32 chunk;
        // Scratch: the chunk from the free memory pointer on, not reserved.
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            calldatacopy(scratch, offset, size)
            chunk := keccak256(scratch, size)
        }
        uint256 chunks = (groups + CHUNK_RECORDS - 1) / CHUNK_RECORDS;
        (root, next) = MerkleLib.climb(chunk, index / CHUNK_RECORDS, chunks, offset + size);
    }

    /// @notice `deal key (32) ‖ stream (1) ‖ first (3) ‖ count (3) ‖ units (5)`.
    /// @return tally What was read.
    /// @return next Offset behind it.
    function readTally(uint256 offset) internal pure returns (Tally memory tally, uint256 next) {
        tally.dealKey = bytes32(_number(offset, 32));
        tally.stream = _number(offset + 32, 1);
        tally.first = _number(offset + 33, 3);
        tally.count = _number(offset + 36, 3);
        tally.units = _number(offset + 39, 5);
        next = offset + 44;
    }

    /// @dev Big-endian number of `size` bytes.
    function _number(uint256 offset, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(offset))
        }
    }
}
