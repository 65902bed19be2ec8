// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title DemoStake
/// @notice Stake token of local networks: 18 decimals, EIP-2612, anyone may mint.
contract DemoStake is ERC20Permit {
    constructor() ERC20("Demo Stake", "DSTK") ERC20Permit("Demo Stake") {}

    /// @notice Makes tokens out of nothing.
    /// @param to Recipient.
    /// @param amount Base units.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
