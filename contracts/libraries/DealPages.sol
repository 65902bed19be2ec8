// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Purse} from "../types/Purse.sol";
import {Terms} from "../types/Terms.sol";

/// @title DealPages
/// @notice Deals' facts as contract code: `00 ‖ rows`, row = `key (32) ‖ terms (32) ‖ budget (8) ‖ allowance (8)`.
/// @dev A deal's place is page * 256 + row, pages from 1. The settlement keeps a word for each page that says which
/// rows still hold.
library DealPages {
    /// @notice Rows of one page.
    uint256 internal constant ROWS = 256;
    /// @notice Highest page number a place of 32 bits can name.
    uint256 internal constant MAX_PAGE = 2 ** 24 - 1;
    uint256 private constant ROW = 80;

    /// @notice Room for `count` rows.
    function empty(uint256 count) internal pure returns (bytes memory rows) {
        return new bytes(count * ROW);
    }

    /// @notice Puts a deal's facts into row `index`.
    /// @dev Assumes there is such a row.
    function write(bytes memory rows, uint256 index, bytes32 key, Terms terms, Purse purse) internal pure {
        // Three words of the row's 80 bytes; the third begins with the end of the second again.
        assembly ("memory-safe") {
            let at := add(add(rows, 0x20), mul(index, ROW))
            mstore(at, key)
            mstore(add(at, 0x20), terms)
            mstore(add(at, 0x30), or(shl(128, terms), shr(128, purse)))
        }
    }

    /// @notice Reads a row of a page that was loaded to `at_` in memory. Assumes there is such a row.
    function read(uint256 at_, uint256 index) internal pure returns (bytes32 key, Terms terms, Purse purse) {
        assembly ("memory-safe") {
            let row := add(at_, mul(index, ROW))
            key := mload(row)
            terms := mload(add(row, 0x20))
            purse := shl(128, shr(128, mload(add(row, 0x40))))
        }
    }
}
