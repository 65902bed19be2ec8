// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IPools} from "./IPools.sol";
import {IRegistry} from "./IRegistry.sol";
import {IVault} from "./IVault.sol";

/// @title IStaking
/// @notice Everything the registry's address answers to.
interface IStaking is IRegistry, IVault, IPools {
    /// @notice The token that is staked.
    /// @return ERC-20.
    function STAKE_TOKEN() external view returns (address);

    /// @notice The settlement.
    /// @return Its address.
    function settlement() external view returns (address);

    /// @notice Code of delegation.
    /// @return Pools.
    function POOLS() external view returns (address);

    /// @notice The AccessManager that governs.
    /// @return Its address.
    function authority() external view returns (address);
}
