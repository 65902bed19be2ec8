// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Permit} from "./ITypes.sol";

/// @title ITeller
/// @notice Paying in and being paid: what buyers and providers do most often.
/// @dev Amounts are base units of the settlement token. None of these moves the protocol clock on.
interface ITeller {
    /// @notice Adds `amount` to `buyer`'s free balance, pulled from the caller.
    /// @param buyer Account to credit; may differ from the caller.
    /// @param amount Settlement token base units; positive.
    function deposit(address buyer, uint64 amount) external;

    /// @notice Deposits with the caller's EIP-2612 permit in the same transaction.
    /// @dev A permit that was front-run is ignored when the allowance it gave is there.
    /// @param buyer Account to credit.
    /// @param amount Settlement token base units; positive.
    /// @param permit See {Permit}.
    function depositWithPermit(address buyer, uint64 amount, Permit calldata permit) external;

    /// @notice Rolls the wheel and pays everything claimable to the provider's payout address. Permissionless.
    /// @param provider Provider's id.
    /// @return amount Settlement token base units paid.
    function claim(uint32 provider) external returns (uint64 amount);
}
