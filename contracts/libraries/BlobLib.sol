// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title BlobLib
/// @notice Openings of EIP-4844 blobs, and how a blob carries the receipts of its groups.
/// @dev `protocol/blob.ts` writes and reads the same layout.
library BlobLib {
    /// @notice Entry of a blob's table: `start (2) ‖ length (4)`.
    struct Entry {
        uint256 start;
        uint256 length;
        bool canonical;
    }

    /// @notice Elements of one blob.
    uint256 internal constant ELEMENTS = 4096;
    /// @notice Bytes of payload of one element, behind a zero byte.
    uint256 internal constant PAYLOAD = 31;
    /// @notice Most elements the receipts of one group may take.
    uint256 internal constant MAX_GROUP_ELEMENTS = 256;
    /// @notice Bytes of a commitment and of a proof.
    uint256 internal constant POINT = 48;
    uint256 private constant FIELD_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @dev A 4,096th root of unity: 7 ^ ((FIELD_ORDER - 1) / 4096).
    uint256 private constant ROOT = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;
    address private constant POINT_EVALUATION = address(0x0a);

    /// @notice Whether element `index` of the blob is `element`.
    /// @param commitment 48 bytes of the blob's commitment, which the versioned hash is checked against.
    /// @param proof 48 bytes.
    function verify(
        bytes32 versionedHash,
        bytes calldata commitment,
        uint256 index,
        bytes32 element,
        bytes calldata proof
    ) internal view returns (bool) {
        (bool done, bytes memory answer) = POINT_EVALUATION.staticcall(
            abi.encodePacked(versionedHash, pointOf(index), element, commitment, proof)
        );
        // a chain without the precompile answers too, but with nothing
        return done && keccak256(answer) == keccak256(abi.encode(ELEMENTS, FIELD_ORDER));
    }

    /// @notice Where a blob's polynomial takes the value of element `index`: ROOT to the power of the reversed index.
    /// @dev Assumes index < ELEMENTS. Bit 11 of the index weighs 1 in the exponent, bit 10 weighs 2, and so on.
    function pointOf(uint256 index) internal pure returns (uint256 point) {
        point = 1;
        uint256 power = ROOT;
        for (uint256 mark = ELEMENTS >> 1; mark != 0; mark >>= 1) {
            if (index & mark != 0) point = mulmod(point, power, FIELD_ORDER);
            power = mulmod(power, power, FIELD_ORDER);
        }
    }

    /// @notice Elements that `length` bytes of receipts take.
    function elementsFor(uint256 length) internal pure returns (uint256) {
        return (length + PAYLOAD - 1) / PAYLOAD;
    }

    function entryOf(bytes32 element) internal pure returns (Entry memory) {
        uint256 word = uint256(element);
        bool canonical = word == ((word << 8) >> 208) << 200; // nothing but the two numbers
        return Entry({start: uint16(word >> 232), length: uint32(word >> 200), canonical: canonical});
    }

    /// @notice Where the group behind this entry must begin, whatever else is wrong with the entry.
    function endOf(Entry memory entry) internal pure returns (uint256) {
        return entry.start + elementsFor(entry.length);
    }

    /// @notice Whether an entry is as it must be for a group that begins at element `start`.
    function holds(Entry memory entry, uint256 start) internal pure returns (bool) {
        uint256 count = elementsFor(entry.length);
        return
            entry.canonical &&
            entry.start == start &&
            count != 0 &&
            count <= MAX_GROUP_ELEMENTS &&
            start + count <= ELEMENTS;
    }

    /// @notice Whether an element can stand at position `index` of a group of `length` bytes: a zero byte, payload, and
    /// zeros behind the group's last byte.
    /// @dev Assumes index < elementsFor(length).
    function isCanonical(bytes32 element, uint256 index, uint256 length) internal pure returns (bool) {
        uint256 left = length - PAYLOAD * index;
        uint256 padding = left < PAYLOAD ? 8 * (PAYLOAD - left) : 0;
        return uint256(element) >> 248 == 0 && uint256(element) & ((1 << padding) - 1) == 0;
    }

    /// @notice Hash of the `length` bytes that canonical elements carry.
    /// @dev Assumes there are elementsFor(length) of them.
    function hash(bytes32[] calldata elements, uint256 length) internal pure returns (bytes32 result) {
        // Scratch from the free memory pointer on, not reserved. Each word written is an element without its first
        // byte; its last byte is written over by the next one.
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            let to := scratch
            for {
                let from := elements.offset
                let end := add(from, shl(5, elements.length))
            } lt(from, end) {
                from := add(from, 32)
            } {
                mstore(to, shl(8, calldataload(from)))
                to := add(to, 31)
            }
            result := keccak256(scratch, length)
        }
    }
}
