// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {CodePages} from "./CodePages.sol";

/// @title WorkerPages
/// @notice Workers as code pages of the registry: `00 ‖ (provider id (4) ‖ key (20))*`, at most 512 rows.
/// @dev Rows of one page may be of several providers. A worker's index is page * ROWS + row, pages counted from 1.
library WorkerPages {
    /// @notice Rows of one page.
    uint256 internal constant ROWS = 512;
    /// @notice Highest page number an index of 40 bits can name.
    uint256 internal constant MAX_PAGE = CodePages.MAX_PAGE;
    /// @notice Bytes of one key.
    uint256 internal constant KEY = 20;
    /// @notice Bytes of one row.
    uint256 internal constant ROW = 24;

    /// @notice Writes a page. Called by the registry only.
    /// @param rows 1 to ROWS of them, packed.
    /// @return page Its address.
    function create(bytes memory rows) internal returns (address page) {
        return CodePages.create(rows);
    }

    /// @notice Whose worker stands in row `row` of a page, and its key; zeros if there is no such page or row.
    function memberAt(address page, uint256 row) internal view returns (uint256 provider, address key) {
        // Memory: scratch space 0x00..0x1f only. Copying past the code's end gives zeros.
        uint256 found;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            extcodecopy(page, 8, add(1, mul(row, 24)), 24)
            found := mload(0x00)
        }
        return (found >> 160, address(uint160(found)));
    }

    /// @notice Row `row`, provider id (4) ‖ key (20), of a page that was loaded to `at_` in memory. Assumes there is
    /// one.
    function read(uint256 at_, uint256 row) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := shr(64, mload(add(at_, mul(row, 24))))
        }
    }

    /// @notice Address of page `index`, 1 to MAX_PAGE, of `registry`.
    function addressOf(address registry, uint256 index) internal pure returns (address page) {
        return CodePages.addressOf(registry, index);
    }

    /// @notice Key `index` of keys that stand one after the other in calldata. Assumes it lies within.
    function keyIn(bytes calldata keys, uint256 index) internal pure returns (address key) {
        assembly ("memory-safe") {
            key := shr(96, calldataload(add(keys.offset, mul(index, 20))))
        }
    }

    /// @notice Memory for `count` rows, to be filled by {writeRow}.
    function newRows(uint256 count) internal pure returns (bytes memory rows) {
        // A row is written as a whole word, whose 8 bytes behind the last row must be owned too.
        rows = new bytes(count * ROW + 8);
        assembly ("memory-safe") {
            mstore(rows, mul(count, 24))
        }
    }

    /// @notice Writes row `row`. Rows are written in order: each one spoils the first 8 bytes of the next.
    function writeRow(bytes memory rows, uint256 row, uint256 provider, address key) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(rows, 32), mul(row, 24)), shl(64, or(shl(160, provider), key)))
        }
    }
}
