// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedger} from "../interfaces/ILedger.sol";
import {Ledger} from "./Ledger.sol";

/// @title Governance
/// @notice See {ILedger}.
abstract contract Governance is ILedger, Ledger {
    uint32 private constant MAX_PAUSE = 14 days;

    /// @inheritdoc ILedger
    function tick() external returns (uint32) {
        return uint32(_touch());
    }

    /// @inheritdoc ILedger
    function setParameters(Parameters calldata next) external restricted {
        _touch();
        _setParameters(next);
    }

    /// @inheritdoc ILedger
    function setTreasuries(address treasury, address committeeTreasury) external restricted {
        _setTreasuries(treasury, committeeTreasury);
    }

    /// @inheritdoc ILedger
    function pause(uint32 duration) external restricted {
        require(duration <= MAX_PAUSE, LedgerParameterOutOfBounds("pause", duration));
        uint256 now_ = _touch();
        // As long a rest as a pause may last: one cannot follow the other for ever. Ending one is always possible.
        require(duration == 0 || now_ >= _head.pausedUntil + MAX_PAUSE, LedgerPauseTooSoon(_head.pausedUntil));
        uint32 until = uint32(now_ + duration);
        _head.pausedUntil = until;
        emit Paused(until);
    }

    /// @inheritdoc ILedger
    function parameters() external view returns (Parameters memory) {
        (Head memory head, Rules memory rules) = (_head, _rules);
        return
            Parameters({
                attestedWindow: head.attestedWindow,
                forcedWindow: head.forcedWindow,
                closingPeriod: head.closingPeriod,
                retention: rules.retention,
                keyNotice: rules.keyNotice,
                coverageBps: rules.coverageBps,
                bondBps: rules.bondBps,
                protocolFeeBps: rules.protocolFeeBps,
                committeeFeeBps: rules.committeeFeeBps,
                stakeValue: rules.stakeValue
            });
    }

    /// @inheritdoc ILedger
    function pausedUntil() external view returns (uint32) {
        return _head.pausedUntil;
    }

    /// @inheritdoc ILedger
    function treasuries() external view returns (address treasury, address committeeTreasury) {
        return (_treasury, _committeeTreasury);
    }

    /// @inheritdoc ILedger
    function clock() public view returns (uint32) {
        return uint32(_clockOf(_head));
    }
}
