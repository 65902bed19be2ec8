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

    /// @notice Copies a page's content to memory: to `at_` if `capacity` bytes suffice, else to new memory of twice the
    /// capacity or more, so that pages loaded one after the other take little more than the largest.
    /// @return where Where the content stands, followed by at least 32 bytes that are anything.
    /// @return size Its length; 0 if there is no such page.
    /// @return room Bytes that may be written there.
    function load(
        address page,
        uint256 at_,
        uint256 capacity
    ) internal view returns (uint256 where, uint256 size, uint256 room) {
        assembly ("memory-safe") {
            size := extcodesize(page)
            size := sub(size, gt(size, 0))
            where := at_
            room := capacity
            if gt(size, capacity) {
                room := shl(1, capacity)
                if gt(size, room) {
                    room := size
                }
                where := mload(0x40)
                mstore(0x40, and(add(add(where, room), 63), not(31)))
            }
            extcodecopy(page, where, 1, size)
        }
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
