// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title WorkerPages
/// @notice Workers' keys as contract code: `00 ‖ provider id (4) ‖ keys (20 each)`.
/// @dev Page n is the contract that the registry created with its nonce n, so its address follows from its number.
/// Assumes the registry creates no other contract.
library WorkerPages {
    /// @notice Rows of one page; a worker's index is page * ROWS + row.
    uint256 internal constant ROWS = 512;
    /// @notice Highest page number an index of 32 bits can name.
    uint256 internal constant MAX_PAGE = 2 ** 23 - 1;
    /// @notice Bytes of one key.
    uint256 internal constant KEY = 20;
    uint256 private constant HEADER = 5;

    /// @notice The page could not be written.
    error WorkerPagesCreateFailed();

    /// @notice Writes a page. Called by the registry only.
    /// @return page Its address.
    function create(uint32 provider, bytes calldata keys) internal returns (address page) {
        // Creation code: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN.
        // It returns everything behind itself.
        bytes memory code = abi.encodePacked(
            hex"61",
            uint16(HEADER + keys.length),
            hex"80600a3d393df3",
            hex"00",
            provider,
            keys
        );
        assembly ("memory-safe") {
            page := create(0, add(code, 32), mload(code))
        }
        require(page != address(0), WorkerPagesCreateFailed());
    }

    /// @notice Whose page it is; 0 if there is no such page.
    function providerOf(address page) internal view returns (uint256 provider) {
        // Memory: scratch space 0x00..0x1f only. Copying past the code's end gives zeros.
        assembly ("memory-safe") {
            mstore(0x00, 0)
            extcodecopy(page, 28, 1, 4)
            provider := mload(0x00)
        }
    }

    /// @notice Key in row `row` of a page; zero if there is no such row.
    function keyAt(address page, uint256 row) internal view returns (address key) {
        // Memory: scratch space 0x00..0x1f only.
        assembly ("memory-safe") {
            mstore(0x00, 0)
            extcodecopy(page, 12, add(5, mul(row, 20)), 20)
            key := mload(0x00)
        }
    }

    /// @notice Address of page `index`, 1 to MAX_PAGE, of `registry`.
    /// @dev keccak256(RLP(creator, nonce)). Source: Ethereum yellow paper, section 7 and appendix B.
    function addressOf(address registry, uint256 index) internal pure returns (address page) {
        uint256 tail =
            index < 0x80
                ? 1
                : index <= 0xff
                    ? 2
                    : index <= 0xffff
                        ? 3
                        : 4; // bytes of RLP(index)
        // Memory: scratch space 0x00..0x1f only; 22 + tail bytes, at most 26, are written and hashed.
        assembly ("memory-safe") {
            let encoded := or(shl(8, add(0xd5, tail)), 0x94)
            encoded := or(shl(add(160, shl(3, tail)), encoded), shl(shl(3, tail), registry))
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
