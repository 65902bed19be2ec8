// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MemoryLib} from "./MemoryLib.sol";
import {MerkleLib} from "./MerkleLib.sol";

/// @title ListLib
/// @notice Lists of state hashes, by which the sides of a bisection state a run: root = that of the tree over the
/// entries, filled up to sixteen with zero words.
library ListLib {
    /// @notice Parts that a list divides an interval in.
    uint256 internal constant ARITY = 16;

    uint256 private constant DEPTH = 4;

    /// @notice Steps of one part of a list at this level.
    function partSize(uint256 level) internal pure returns (uint256) {
        unchecked {
            return 1 << (4 * (level - 1));
        }
    }

    /// @notice Levels of a run: the smallest L, at least 1, with 16^L ≥ steps.
    function levelsOf(uint256 steps) internal pure returns (uint256 levels) {
        levels = 1;
        while (partSize(levels + 1) < steps) ++levels;
    }

    /// @notice Entries of a list at this level from step `lo` on, of a run of so many steps.
    function countOf(uint256 lo, uint256 steps, uint256 level) internal pure returns (uint256 count) {
        uint256 size = partSize(level);
        count = (steps - lo + size - 1) / size;
        if (count > ARITY) count = ARITY;
    }

    /// @notice Root of a list and its last entry.
    /// @param list 1 to 16 words.
    function rootOf(bytes calldata list) internal pure returns (bytes32 root, bytes32 last) {
        bytes memory words = new bytes(32 * ARITY);
        uint256 first;
        assembly ("memory-safe") {
            first := add(words, 32)
            calldatacopy(first, list.offset, list.length)
            last := mload(add(words, list.length))
        }
        root = MerkleLib.rootInPlace(first, ARITY);
    }

    /// @notice Root above an entry and the one before it.
    /// @param part Number of the entry.
    /// @param left The one before it; not used if it is number 0.
    /// @param right The entry.
    /// @param at_ Where the siblings are in calldata, from below; where both ways are apart, that of the left one comes
    /// first.
    /// @return root Whatever they lead to: the caller checks it, and that they were there.
    /// @return end First byte of calldata after the siblings.
    function climb(
        uint256 part,
        bytes32 left,
        bytes32 right,
        uint256 at_
    ) internal pure returns (bytes32 root, uint256 end) {
        unchecked {
            bool met = part == 0;
            for (uint256 level = 0; level < DEPTH; ++level) {
                if (met) {
                    bytes32 sibling = _wordAt(at_);
                    right = part & 1 == 0 ? MemoryLib.pair(right, sibling) : MemoryLib.pair(sibling, right);
                    at_ += 32;
                } else if (part & 1 == 1) {
                    (right, met) = (MemoryLib.pair(left, right), true);
                } else {
                    left = MemoryLib.pair(_wordAt(at_), left);
                    right = MemoryLib.pair(right, _wordAt(at_ + 32));
                    at_ += 64;
                }
                part >>= 1;
            }
            return (right, at_);
        }
    }

    function _wordAt(uint256 at_) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(at_)
        }
    }
}
