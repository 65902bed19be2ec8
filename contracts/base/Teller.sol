// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IEarnings} from "../interfaces/IEarnings.sol";
import {IPools} from "../interfaces/IPools.sol";
import {ITeller} from "../interfaces/ITeller.sol";
import {Permit} from "../interfaces/ITypes.sol";
import {Wheel} from "../types/Wheel.sol";
import {Deposits} from "./Deposits.sol";
import {Wheels} from "./Wheels.sol";

/// @title Teller
/// @notice See {ITeller}.
/// @dev Part of the settlement's own code, as each of these is done too often to be sent on to the desk.
abstract contract Teller is ITeller, Deposits, Wheels {
    using SafeERC20 for IERC20;

    /// @inheritdoc ITeller
    function deposit(address buyer, uint64 amount) external {
        _deposit(buyer, amount);
    }

    /// @inheritdoc ITeller
    function depositWithPermit(address buyer, uint64 amount, Permit calldata permit) external {
        _depositWithPermit(buyer, amount, permit);
    }

    /// @inheritdoc ITeller
    function claim(uint32 provider) external returns (uint64 amount) {
        Wheel wheel = _wheels[provider];
        // The clock is never ahead of the block: a wheel of the block's day is one of today. It only loses its
        // claimable, whatever room it has issued.
        if (wheel.day() != block.timestamp / DAY) {
            uint256 today = _clockOf(_head) / DAY;
            if (wheel.day() != today) wheel = _loadNow(provider, today);
        }
        amount = uint64(wheel.claimable());
        require(amount != 0, IEarnings.EarningsNothingToClaim(provider));
        _wheels[provider] = wheel.withClaimable(0);
        address to = _payouts[provider];
        emit IEarnings.Claimed(provider, to, amount);

        IERC20(TOKEN).safeTransfer(to, amount);
        // A provider with a pool is paid through the registry, which splits it.
        if (to == address(REGISTRY)) IPools(to).onClaim(provider, amount);
    }
}
