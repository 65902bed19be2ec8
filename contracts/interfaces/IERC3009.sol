// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IERC3009
/// @notice The one function of EIP-3009 the escrow calls.
interface IERC3009 {
    /// @notice Moves tokens to the calling contract by `from`'s signature.
    /// @param from Payer.
    /// @param to Payee; must be the caller.
    /// @param value Base units.
    /// @param validAfter Unix seconds.
    /// @param validBefore Unix seconds.
    /// @param nonce Unique per authorization.
    /// @param v Recovery byte.
    /// @param r Signature word.
    /// @param s Signature word.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
}
