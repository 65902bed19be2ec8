// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDeals} from "./IDeals.sol";
import {IEarnings} from "./IEarnings.sol";
import {IEpochs} from "./IEpochs.sol";
import {IEscrow} from "./IEscrow.sol";
import {IFaults} from "./IFaults.sol";
import {ILedger} from "./ILedger.sol";
import {INets} from "./INets.sol";
import {IPacking} from "./IPacking.sol";
import {IRemedies} from "./IRemedies.sol";
import {ISettlement} from "./ISettlement.sol";
import {ITeller} from "./ITeller.sol";

/// @title ITallystick
/// @notice Everything the settlement's address answers to.
interface ITallystick is
    ILedger,
    IEscrow,
    IDeals,
    IEarnings,
    IEpochs,
    IPacking,
    INets,
    ITeller,
    IFaults,
    IRemedies,
    ISettlement
{
    /// @notice The only token the settlement holds.
    /// @return ERC-20.
    function TOKEN() external view returns (address);

    /// @notice Providers, stake and workers' keys.
    /// @return Registry.
    function REGISTRY() external view returns (address);

    /// @notice Who attests batches.
    /// @return Committee.
    function COMMITTEE() external view returns (address);

    /// @notice Code of everything but settling.
    /// @return Desk.
    function DESK() external view returns (address);

    /// @notice Code of faults and their remedies.
    /// @return Faults.
    function FAULTS() external view returns (address);

    /// @notice Code of netted deals.
    /// @return Nets.
    function NETS() external view returns (address);

    /// @notice Permit2.
    /// @return An address without code where the chain has none.
    function PERMIT2() external view returns (address);

    /// @notice The AccessManager that governs.
    /// @return Its address.
    function authority() external view returns (address);
}
