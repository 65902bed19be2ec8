// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title SignatureLib
/// @notice Recovers EIP-2098 signatures that stand in calldata.
library SignatureLib {
    /// @notice Bytes of an EIP-2098 signature.
    uint256 internal constant SIZE = 64;
    /// @notice Half of the order of secp256k1: a higher s is another form of a lower one.
    uint256 internal constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Signer of `digest` by the signature at calldata offset `offset`.
    /// @return signer Zero if there is none or s is zero or above half the curve's order.
    function recoverAt(bytes32 digest, uint256 offset) internal view returns (address signer) {
        // Scratch: 128 bytes from the free memory pointer on, not reserved; the answer goes to 0x00.
        // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
        assembly ("memory-safe") {
            let vs := calldataload(add(offset, 32))
            let s := shr(1, shl(1, vs))
            if iszero(gt(s, HALF_ORDER)) {
                let scratch := mload(0x40)
                mstore(scratch, digest)
                mstore(add(scratch, 0x20), add(27, shr(255, vs)))
                mstore(add(scratch, 0x40), calldataload(offset))
                mstore(add(scratch, 0x60), s)
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, scratch, 0x80, 0x00, 0x20))
                signer := mload(0x00)
            }
        }
    }

    /// @notice Signer of `digest` by a 64-byte signature; zero if it has another length.
    function recover(bytes32 digest, bytes calldata signature) internal view returns (address) {
        if (signature.length != SIZE) return address(0);
        uint256 offset;
        assembly ("memory-safe") {
            offset := signature.offset
        }
        return recoverAt(digest, offset);
    }
}
