// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title CodePages
/// @notice Data kept as contract code, which is cheaper to read than storage.
/// @dev Page n is the contract that its creator made with its nonce n, so its address follows from its number. Assumes
/// the creator makes no other contract. A page begins with 00, so that nobody can run it.
library CodePages {
    /// @notice Highest page number {addressOf} knows.
    uint256 internal constant MAX_PAGE = 2 ** 31 - 1;
    /// @notice Where a page's content begins in its code.
    uint256 internal constant HEADER = 1;

    /// @notice The page could not be written.
    error CodePagesCreateFailed();

    /// @notice Writes a page as the calling contract's next one.
    /// @param content At most 24,575 bytes (EIP-170).
    function create(bytes memory content) internal returns (address page) {
        // Creation code: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN.
        // It returns everything behind itself.
        bytes memory code = abi.encodePacked(
            hex"61",
            uint16(HEADER + content.length),
            hex"80600a3d393df3",
            hex"00",
            content
        );
        assembly ("memory-safe") {
            page := create(0, add(code, 32), mload(code))
        }
        require(page != address(0), CodePagesCreateFailed());
    }

    /// @notice Address of page `index`, 1 to MAX_PAGE, of `creator`.
    /// @dev keccak256(RLP(creator, nonce)). Source: Ethereum yellow paper, section 7 and appendix B.
    function addressOf(address creator, uint256 index) internal pure returns (address page) {
        uint256 tail =
            index < 0x80
                ? 1
                : index <= 0xff
                    ? 2
                    : index <= 0xffff
                        ? 3
                        : index <= 0xffffff
                            ? 4
                            : 5; // bytes of RLP(index)
        // Memory: scratch space 0x00..0x1f only; 22 + tail bytes, at most 27, are written and hashed.
        assembly ("memory-safe") {
            let encoded := or(shl(8, add(0xd5, tail)), 0x94)
            encoded := or(shl(add(160, shl(3, tail)), encoded), shl(shl(3, tail), creator))
            encoded := or(encoded, index)
            if gt(tail, 1) {
                encoded := or(encoded, shl(shl(3, sub(tail, 1)), add(0x7f, tail)))
            }
            let size := add(22, tail)
            mstore(0x00, shl(sub(256, shl(3, size)), encoded))
            page := and(keccak256(0x00, size), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }
}
