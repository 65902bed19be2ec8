// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IPermit2
/// @notice The one function of Permit2 the escrow calls. Source: Uniswap Permit2, SignatureTransfer.
interface IPermit2 {
    /// @notice Token and amount a signature permits.
    /// @param token ERC-20.
    /// @param amount Base units.
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    /// @notice The signed permit.
    /// @param permitted Token and amount.
    /// @param nonce Unordered nonce.
    /// @param deadline Unix seconds.
    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    /// @notice Where the tokens go.
    /// @param to Recipient.
    /// @param requestedAmount Base units.
    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    /// @notice Moves tokens by a signature that also covers `witness`.
    /// @param permit The signed permit.
    /// @param transferDetails Where the tokens go.
    /// @param owner Account that signed.
    /// @param witness EIP-712 struct hash of the extra data.
    /// @param witnessTypeString Tail of the EIP-712 type.
    /// @param signature The signature.
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;
}
