// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Permit} from "./ITypes.sol";

/// @title IEscrow
/// @notice One pooled account per buyer: what it paid in, what its deals have locked, what it can take out.
/// @dev Amounts are base units of the settlement token. Assumes a token without transfer fees and without callbacks.
interface IEscrow {
    /// @notice Tokens came in.
    /// @param buyer Account credited.
    /// @param from Account that paid.
    /// @param amount Settlement token base units.
    event Deposited(address indexed buyer, address indexed from, uint64 amount);

    /// @notice Tokens left an account.
    /// @param buyer Account debited.
    /// @param to Recipient.
    /// @param amount Settlement token base units.
    event Withdrawn(address indexed buyer, address indexed to, uint64 amount);

    /// @notice Nothing was asked to move.
    error EscrowZeroAmount();

    /// @notice The token reported success but did not bring `amount`.
    error EscrowUnpaid(uint256 amount);

    /// @notice The account has `available` free where `needed` is asked for.
    error EscrowInsufficientFree(address buyer, uint256 available, uint256 needed);

    /// @notice The ledger holds at most `limit`, the width its words are proven for.
    error EscrowFull(uint256 held, uint256 limit);

    /// @notice Deposits with `from`'s EIP-3009 authorization; anyone may relay it.
    /// @dev The authorization's nonce is keccak256(abi.encode(buyer, salt)), so the signature fixes who is credited.
    /// @param from Account that signed and pays.
    /// @param buyer Account to credit.
    /// @param amount Settlement token base units; positive.
    /// @param validAfter Unix seconds, see EIP-3009.
    /// @param validBefore Unix seconds, see EIP-3009.
    /// @param salt Makes the nonce unique.
    /// @param permit v, r and s of the authorization; its deadline is not used.
    function depositWithAuthorization(
        address from,
        address buyer,
        uint64 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        Permit calldata permit
    ) external;

    /// @notice Deposits through Permit2 with a witness that fixes who is credited; anyone may relay it.
    /// @param from Account that signed and pays.
    /// @param buyer Account to credit; the witness `Deposit(address buyer)`.
    /// @param amount Settlement token base units; positive.
    /// @param nonce Unordered Permit2 nonce.
    /// @param deadline Unix seconds.
    /// @param signature `from`'s signature over the Permit2 witness transfer.
    function depositWithPermit2(
        address from,
        address buyer,
        uint64 amount,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Pays `amount` of the caller's free balance to `to`.
    /// @param to Recipient.
    /// @param amount Settlement token base units; positive.
    function withdraw(address to, uint64 amount) external;

    /// @notice One buyer's account.
    /// @param buyer Its address.
    /// @return free Withdrawable now.
    /// @return locked Budgets of its deals that are not Closed, gross of what those deals have paid so far.
    /// @return nonce Number of deals it has opened.
    function account(address buyer) external view returns (uint64 free, uint64 locked, uint64 nonce);
}
