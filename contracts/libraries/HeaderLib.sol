// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title HeaderLib
/// @notice Reads the randomness out of a block's header.
library HeaderLib {
    /// @dev Items before it: parent, ommers, beneficiary, three roots, bloom, difficulty, number, gas limit, gas used,
    /// time, extra data. Source: EIP-4399.
    uint256 private constant RANDAO_ITEM = 13;
    uint256 private constant SHORT = 0x80;
    uint256 private constant LONG = 0xb7;
    uint256 private constant LIST = 0xf7;
    uint256 private constant WORD = 0xa0;

    /// @notice The bytes are no header.
    error HeaderLibMalformed(uint256 position);

    /// @notice `prevrandao` of the block with this header.
    /// @dev Assumes that the bytes hash to the hash of a block: of what cannot be a header only what reading runs into
    /// is refused.
    /// @param header RLP.
    function randomnessOf(bytes calldata header) internal pure returns (bytes32) {
        require(header.length > 1 && uint8(header[0]) > LIST, HeaderLibMalformed(0));
        uint256 at = 1 + uint8(header[0]) - LIST;
        for (uint256 i = 0; i < RANDAO_ITEM; ++i) {
            uint256 head = uint8(header[at]);
            if (head < SHORT) {
                ++at;
            } else if (head <= LONG) {
                at += 1 + head - SHORT;
            } else {
                uint256 size = head - LONG;
                require(size <= 2, HeaderLibMalformed(at));
                uint256 length = uint8(header[at + 1]);
                if (size == 2) length = (length << 8) | uint8(header[at + 2]);
                at += 1 + size + length;
            }
        }
        require(uint8(header[at]) == WORD, HeaderLibMalformed(at));
        return bytes32(header[at + 1:at + 33]);
    }
}
