// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title MerkleLib
/// @notice Binary Merkle tree in leaf order: parent = keccak256(left ‖ right), an odd last node moves up unhashed.
library MerkleLib {
    /// @notice Root of `count` leaves that stand in memory from `offset` on.
    /// @dev Overwrites the leaves. Assumes the range is the caller's. No leaves: the word offset `offset`.
    function rootInPlace(uint256 offset, uint256 count) internal pure returns (bytes32 root) {
        // Each round writes parent i over leaf i, which it has read before: reads at 2i run ahead of writes at i.
        assembly ("memory-safe") {
            for {} gt(count, 1) {} {
                let half := shr(1, count)
                let to := offset
                let from := offset
                for {
                    let bound := add(offset, shl(5, half))
                } lt(to, bound) {
                    to := add(to, 32)
                } {
                    mstore(to, keccak256(from, 64))
                    from := add(from, 64)
                }
                if and(count, 1) {
                    mstore(to, mload(from))
                }
                count := add(half, and(count, 1))
            }
            root := mload(offset)
        }
    }
}
