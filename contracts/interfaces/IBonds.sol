// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Permit} from "./ITypes.sol";

/// @title IBonds
/// @notice Committee members' bonds: stake that answers for what a member signs, and for nothing else. It covers no
/// earnings, bonds no deal, and thaws like a provider's stake.
/// @dev A bond belongs to the key that signs, for ever: whoever wants another bond takes another key. The key itself
/// names who may take the bond out, once; that owner may hand it on.
interface IBonds {
    /// @notice One member's bond.
    /// @param owner Account that may take it out; zero before the signer named one.
    /// @param stake Stake token base units that do not thaw.
    /// @param thawing Stake token base units on their way out.
    /// @param thawedAt Second on the protocol clock from which the thawing ones can be withdrawn; 0 if none thaw.
    struct BondView {
        address owner;
        uint96 stake;
        uint96 thawing;
        uint32 thawedAt;
    }

    /// @notice A bond has an owner, or another one.
    /// @param signer Member's key.
    /// @param owner Account that may take the bond out.
    event BondOwnerNamed(address indexed signer, address indexed owner);

    /// @notice A bond grew.
    /// @param signer Member's key.
    /// @param amount Stake token base units.
    event Bonded(address indexed signer, uint96 amount);

    /// @notice Part of a bond is on its way out.
    /// @param signer Member's key.
    /// @param amount Stake token base units.
    /// @param readyAt Second on the protocol clock.
    event BondThawing(address indexed signer, uint96 amount, uint32 readyAt);

    /// @notice Thawed stake left.
    /// @param signer Member's key.
    /// @param to Recipient.
    /// @param amount Stake token base units.
    event BondWithdrawn(address indexed signer, address indexed to, uint96 amount);

    /// @notice The caller is neither the bond's owner nor, while it has none, its signer.
    error BondsUnauthorized(address signer, address caller);

    /// @notice The bond has less.
    error BondsInsufficient(address signer, uint96 stake, uint96 asked);

    /// @notice It is `clock`, this opens at `from`; 0 if nothing thaws.
    error BondsTooEarly(address signer, uint32 clock, uint32 from);

    /// @notice Names who may take a bond out: its signer while it has no owner, then its owner.
    /// @param signer Member's key.
    /// @param owner Account.
    function nameBondOwner(address signer, address owner) external;

    /// @notice Adds to a bond that has an owner.
    /// @param signer Member's key.
    /// @param amount Stake token base units.
    /// @param permit The caller's EIP-2612 permit for `amount`.
    function bond(address signer, uint96 amount, Permit calldata permit) external;

    /// @notice Starts the thaw of a part of a bond, and the thaw of all that thaws already anew.
    /// @dev Its owner only.
    /// @param signer Member's key.
    /// @param amount Stake token base units.
    function thawBond(address signer, uint96 amount) external;

    /// @notice Pays out what has thawed.
    /// @dev Its owner only.
    /// @param signer Member's key.
    /// @param to Recipient.
    /// @return amount Stake token base units.
    function withdrawBond(address signer, address to) external returns (uint96 amount);

    /// @notice One member's bond.
    /// @param signer Member's key.
    /// @return See {BondView}.
    function bondOf(address signer) external view returns (BondView memory);
}
