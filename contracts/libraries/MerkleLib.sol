// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title MerkleLib
/// @notice Binary Merkle tree in leaf order: parent = keccak256(left ‖ right), an odd last node moves up unhashed. A
/// batch's leaves are first hashed in chunks of 8, which costs a third of a tree down to the single leaf.
library MerkleLib {
    /// @notice Leaves that are hashed together.
    uint256 internal constant CHUNK = 8;

    /// @notice Root of the chunks of `count` leaves that stand in memory from `offset` on.
    /// @dev Overwrites the leaves. Assumes the range is the caller's, and that there is a leaf.
    function chunkedRootInPlace(uint256 offset, uint256 count) internal pure returns (bytes32) {
        uint256 chunks = (count + CHUNK - 1) / CHUNK;
        // Chunk i goes over leaf i, which was read with chunk i / 8.
        assembly ("memory-safe") {
            let from := offset
            let end := add(offset, shl(5, count))
            for {
                let to := offset
            } lt(add(from, 0xff), end) {
                to := add(to, 32)
            } {
                mstore(to, keccak256(from, 0x100))
                from := add(from, 0x100)
            }
            if lt(from, end) {
                mstore(add(offset, shl(5, sub(chunks, 1))), keccak256(from, sub(end, from)))
            }
        }
        return rootInPlace(offset, chunks);
    }

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

    /// @notice Root above leaf `index` of `count` leaves, by the siblings on its way up, which stand in calldata from
    /// `offset` on.
    /// @dev Assumes index < count. `count` decides the tree's shape, so no node passes for a leaf. The caller judges
    /// whether as many siblings were meant to be there.
    /// @return root The root.
    /// @return next Offset behind the siblings.
    function climb(
        bytes32 leaf,
        uint256 index,
        uint256 count,
        uint256 offset
    ) internal pure returns (bytes32 root, uint256 next) {
        // Memory: scratch space 0x00..0x3f only.
        assembly ("memory-safe") {
            root := leaf
            next := offset
            for {} gt(count, 1) {} {
                // an odd last node moves up unhashed: its index is even and the last one
                if or(and(index, 1), lt(add(index, 1), count)) {
                    let side := shl(5, and(index, 1))
                    mstore(side, root)
                    mstore(xor(side, 32), calldataload(next))
                    root := keccak256(0x00, 64)
                    next := add(next, 32)
                }
                index := shr(1, index)
                count := shr(1, add(count, 1))
            }
        }
    }
}
