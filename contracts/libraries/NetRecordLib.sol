// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title NetRecordLib
/// @notice Reads records of net batches from the elements of their blobs: 31 bytes each, behind a byte that is zero.
/// @dev `protocol/net-records.ts` writes the same. Fields of elements that were not opened are zero.
library NetRecordLib {
    /// @notice `provider (4) ‖ stream number (5) ‖ amount (7) ‖ provider's total (7) ‖ count (3) ‖ units (5)
    /// ‖ deal's units (6) ‖ start (2) ‖ worker (5) ‖ first (3) ‖ cursor before (3) ‖ units before (5) ‖ deal record (4)
    /// ‖ segment (32) ‖ signature (64)`.
    struct Group {
        uint256 provider;
        uint256 number;
        uint256 amount;
        uint256 total;
        uint256 count;
        uint256 units;
        uint256 dealUnits;
        uint256 start;
        uint256 worker;
        uint256 first;
        uint256 cursor;
        uint256 unitsBefore;
        uint256 deal;
        bytes32 segment;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice `buyer (4) ‖ deal id (4) ‖ amount (7) ‖ buyer's total (7) ‖ first group (4) ‖ last group (4)
    /// ‖ root (32)`.
    struct Deal {
        uint256 buyer;
        uint256 id;
        uint256 amount;
        uint256 total;
        uint256 first;
        uint256 last;
        bytes32 root;
    }

    function group(bytes32[] calldata elements) internal pure returns (Group memory self) {
        uint256 word = _wordAt(elements, 0);
        self.provider = uint32(word >> 216);
        self.number = uint40(word >> 176);
        self.amount = uint56(word >> 120);
        self.total = uint56(word >> 64);
        self.count = uint24(word >> 40);
        self.units = uint40(word);
        word = _wordAt(elements, 1);
        self.dealUnits = uint48(word >> 200);
        self.start = uint16(word >> 184);
        self.worker = uint40(word >> 144);
        self.first = uint24(word >> 120);
        self.cursor = uint24(word >> 96);
        self.unitsBefore = uint40(word >> 56);
        self.deal = uint32(word >> 24);
        uint256 next = _wordAt(elements, 2);
        self.segment = bytes32((word << 232) | uint232(next >> 16));
        word = _wordAt(elements, 3);
        self.r = bytes32((next << 240) | uint240(word >> 8));
        self.vs = bytes32((word << 248) | uint248(_wordAt(elements, 4)));
    }

    function deal(bytes32[] calldata elements) internal pure returns (Deal memory self) {
        uint256 word = _wordAt(elements, 0);
        self.buyer = uint32(word >> 216);
        self.id = uint32(word >> 184);
        self.amount = uint56(word >> 128);
        self.total = uint56(word >> 72);
        self.first = uint32(word >> 40);
        self.last = uint32(word >> 8);
        self.root = bytes32((word << 248) | uint248(_wordAt(elements, 1)));
    }

    function _wordAt(bytes32[] calldata elements, uint256 index) private pure returns (uint256) {
        return index < elements.length ? uint256(elements[index]) : 0;
    }
}
