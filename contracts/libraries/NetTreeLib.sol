// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {INets} from "../interfaces/INets.sol";
import {CellLib} from "../types/Cell.sol";

/// @title NetTreeLib
/// @notice The tree under the net root: 32 levels, a leaf for each deal id. A node over two zeros is zero.
/// @dev A leaf is the hash of `deal key (32) ‖ cell (8) of each stream`, or zero where nothing was ever settled. A leaf
/// of another key belongs to the deal that had the id before, which for the present one is nothing too.
library NetTreeLib {
    uint256 internal constant DEPTH = 32;
    uint256 private constant KEY = 32;
    uint256 private constant CELL = 8;

    /// @notice Hash of a leaf's bytes; no bytes are the empty leaf.
    function hashOf(bytes calldata leaf) internal pure returns (bytes32) {
        return leaf.length == 0 ? bytes32(0) : keccak256(leaf);
    }

    /// @notice Root over a leaf and its path.
    function climb(bytes32 leaf, uint256 id, INets.NetPath calldata path) internal pure returns (bytes32 node) {
        node = leaf;
        uint256 mask = path.mask;
        uint256 next = 0;
        for (uint256 level = 0; level < DEPTH; ++level) {
            bytes32 sibling = (mask >> level) & 1 != 0 ? path.siblings[next++] : bytes32(0);
            if (node | sibling == 0) continue;
            node =
                (id >> level) & 1 != 0
                    ? keccak256(abi.encodePacked(sibling, node))
                    : keccak256(abi.encodePacked(node, sibling));
        }
        require(next == path.siblings.length, INets.NetsBadPath());
    }

    /// @notice Where a stream of the deal with this key stands: receipts and units, see {CellLib}.
    /// @dev What a leaf is too short for was never settled either: members alone decide what its bytes are, and no deal
    /// may be kept open by them.
    function cellAt(bytes calldata leaf, bytes32 key, uint256 stream) internal pure returns (uint256) {
        uint256 offset = KEY + CELL * stream;
        if (leaf.length < offset + CELL || bytes32(leaf) != key) return 0;
        return uint64(bytes8(leaf[offset:offset + CELL]));
    }

    /// @notice Units of all streams of the deal with this key.
    function unitsOf(bytes calldata leaf, bytes32 key, uint256 streams) internal pure returns (uint256 units) {
        for (uint256 i = 0; i < streams; ++i) units += cellAt(leaf, key, i) & CellLib.MAX_UNITS;
    }

    /// @notice The leaf of the deal with this key once a stream stands at `cell`.
    function moved(
        bytes calldata leaf,
        bytes32 key,
        uint256 streams,
        uint256 stream,
        uint256 cell
    ) internal pure returns (bytes memory) {
        uint256[] memory cells = new uint256[](streams);
        for (uint256 i = 0; i < streams; ++i) cells[i] = i == stream ? cell : cellAt(leaf, key, i);
        return encode(key, cells);
    }

    /// @notice Bytes of a leaf.
    function encode(bytes32 key, uint256[] memory cells) internal pure returns (bytes memory leaf) {
        leaf = abi.encodePacked(key);
        for (uint256 i = 0; i < cells.length; ++i) leaf = bytes.concat(leaf, bytes8(uint64(cells[i])));
    }
}
