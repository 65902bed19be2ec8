// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IEarnings} from "../interfaces/IEarnings.sol";
import {LongWheel, LongWheelLib, Wheel, WheelLib} from "../types/Wheel.sol";
import {Wheels} from "./Wheels.sol";

/// @title Earnings
/// @notice See {IEarnings}.
abstract contract Earnings is IEarnings, Wheels {
    using SafeERC20 for IERC20;

    /// @inheritdoc IEarnings
    function claimFees() external {
        Fees memory due = _fees;
        _touch();
        _fees = Fees(0, 0, due.disputed);
        emit FeesClaimed(due.protocol, due.committee);

        if (due.protocol != 0) IERC20(TOKEN).safeTransfer(_treasury, due.protocol);
        if (due.committee != 0) IERC20(TOKEN).safeTransfer(_committeeTreasury, due.committee);
    }

    /// @inheritdoc IEarnings
    function refreshCover(uint32 provider) external {
        uint256 today = _touch() / DAY;
        Wheel wheel = _loadNow(provider, today);
        uint256 cover = _coverDown(REGISTRY.slashable(provider));
        int256 room = int256(cover) - int256(_unmatured(wheel, _longWheels[provider]));
        _store(provider, wheel.addRoom(room - wheel.room()), today);
        emit CoverSet(provider, uint64(cover));
    }

    /// @inheritdoc IEarnings
    function markRevocation(uint32 provider) external {
        _requireRegistry();
        uint256 today = _touch() / DAY;
        _store(provider, _loadNow(provider, today).with(WheelLib.REVOCATIONS), today);
    }

    /// @inheritdoc IEarnings
    function setPayout(uint32 provider, address payout) external {
        _requireRegistry();
        _payouts[provider] = payout;
    }

    /// @inheritdoc IEarnings
    function earnings(uint32 provider) external view returns (EarningsView memory result) {
        uint256 today = _clockOf(_head) / DAY;
        (Wheel wheel, LongWheel long) = _foldedView(provider);
        uint256 unmatured = _unmatured(wheel, long);
        (uint256 gross, uint256 protocolFee, uint256 committeeFee) = _matured(wheel, long, today);
        result.claimable = uint64(wheel.claimable() + gross - protocolFee - committeeFee);
        result.cover = uint64(uint256(wheel.room() + int256(unmatured)));
        result.unmatured = uint64(unmatured - gross);
        result.day = uint32(today);
        wheel = _forward(wheel, today);
        long = long.forward(today - long.day());
        (result.attested[0], result.attested[1]) = (uint64(wheel.next()), uint64(wheel.later()));
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) result.forced[i] = uint64(long.bucket(i));
    }

    /// @inheritdoc IEarnings
    function fees() external view returns (uint64 protocolFee, uint64 committeeFee) {
        return (_fees.protocol, _fees.committee);
    }

    function _coverDown(uint256 stake) private view returns (uint256 cover) {
        cover = (stake * _rules.stakeValue * _rules.coverageBps) / (STAKE_UNIT * BPS);
        if (cover > MAX_HELD) cover = MAX_HELD;
    }

    function _requireRegistry() private view {
        require(msg.sender == address(REGISTRY), EarningsOnlyRegistry(msg.sender));
    }
}
