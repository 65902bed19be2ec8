// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MerkleLib} from "./MerkleLib.sol";

/// @title FactsLib
/// @notice What settling did to each group, 16 bytes each:
/// `outcome (1) ‖ cursor before (3) ‖ units before (5) ‖ amount paid (7)`.
library FactsLib {
    /// @notice Bytes of one record.
    uint256 internal constant SIZE = 16;
    /// @notice Bytes hashed into one leaf of the facts root: 16 records.
    uint256 internal constant CHUNK = 256;

    /// @dev Assumes every field fits.
    function pack(
        uint256 outcome,
        uint256 cursor,
        uint256 units,
        uint256 amount
    ) internal pure returns (uint256 record) {
        return (outcome << 120) | (cursor << 96) | (units << 56) | amount;
    }

    /// @notice Room for at most `count` records and a word behind them, uninitialized.
    function open(uint256 count) internal pure returns (bytes memory facts) {
        // Whole words are written, each over the end of the last.
        assembly ("memory-safe") {
            facts := mload(0x40)
            mstore(0x40, add(facts, and(add(shl(4, count), 95), not(31))))
        }
    }

    /// @notice Shortens `facts` to the `count` records that were written.
    function cut(bytes memory facts, uint256 count) internal pure {
        assembly ("memory-safe") {
            mstore(facts, shl(4, count))
        }
    }

    /// @notice Merkle root over the hashes of the records' chunks.
    function root(bytes memory facts) internal pure returns (bytes32) {
        uint256 chunks = (facts.length + CHUNK - 1) / CHUNK;
        // Scratch: a word for each chunk from the free memory pointer on, not reserved.
        uint256 scratch;
        assembly ("memory-safe") {
            scratch := mload(0x40)
            let from := add(facts, 0x20)
            let left := mload(facts)
            for {
                let to := scratch
                let bound := add(scratch, shl(5, chunks))
            } lt(to, bound) {
                to := add(to, 0x20)
            } {
                let size := CHUNK
                if lt(left, size) {
                    size := left
                }
                mstore(to, keccak256(from, size))
                from := add(from, size)
                left := sub(left, size)
            }
        }
        return MerkleLib.rootInPlace(scratch, chunks);
    }
}
