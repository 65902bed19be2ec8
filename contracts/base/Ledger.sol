// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ILedger} from "../interfaces/ILedger.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";

/// @title Ledger
/// @notice State and internals that the settlement and its desk share: clock, parameters, accounts.
/// @dev Settlement and Desk inherit Ledger, Streams and Wheels in this order and add no state of their own before
/// theirs, so a slot means the same to both.
abstract contract Ledger is AccessManaged, EIP712 {
    /// @dev One slot, read by nearly every call: the clock, deals' ids, and the windows that settling needs.
    struct Head {
        uint32 clock;
        uint32 touched;
        uint32 lastDeal;
        uint32 freeDeal;
        uint32 pausedUntil;
        uint32 closingPeriod;
        uint32 attestedWindow;
        uint32 forcedWindow;
    }

    /// @dev One slot: the other governed numbers, see {ILedger-Parameters}, when the stake's value was last set and the
    /// last page of deals.
    struct Rules {
        uint32 retention;
        uint32 keyNotice;
        uint16 coverageBps;
        uint16 bondBps;
        uint16 protocolFeeBps;
        uint16 committeeFeeBps;
        uint32 stakeValue;
        uint32 valuedAt;
        uint32 lastPage;
    }

    /// @dev One slot.
    struct Account {
        uint64 free;
        uint64 locked;
        uint64 nonce;
    }

    uint256 internal constant DAY = 1 days;
    uint256 internal constant BPS = 10_000;
    uint256 internal constant STAKE_UNIT = 1e18;
    /// @notice Most tokens the ledger takes in: every amount below it fits the packed words' 56 bits, signed.
    uint256 internal constant MAX_HELD = 2 ** 55 - 1;
    uint256 private constant MAX_STEP = 1 hours;
    /// @dev Far enough below MAX_STEP that a ledger in use loses nothing, and most calls need not write the clock.
    uint256 private constant MIN_STEP = 10 minutes;

    /// @notice The only token the settlement holds.
    IERC20Metadata public immutable TOKEN;
    /// @notice Providers, stake and workers' keys.
    IRegistry public immutable REGISTRY;

    Head internal _head;
    Rules internal _rules;
    address internal _treasury;
    address internal _committeeTreasury;
    mapping(address buyer => Account account) internal _accounts;

    constructor(
        address authority,
        IERC20Metadata token,
        IRegistry registry
    ) AccessManaged(authority) EIP712("Tallystick", "1") {
        TOKEN = token;
        REGISTRY = registry;
    }

    /// @notice The protocol clock, moved on in storage if that has not happened for a while.
    function _touch() internal returns (uint256 now_) {
        Head memory head = _head;
        require(head.touched != 0, ILedger.LedgerNotTheSettlement());
        now_ = _clockOf(head);
        if (block.timestamp - head.touched < MIN_STEP) return now_;
        (_head.clock, _head.touched) = (uint32(now_), uint32(block.timestamp));
    }

    function _setTreasuries(address treasury, address committeeTreasury) internal {
        require(treasury != address(0) && committeeTreasury != address(0), ILedger.LedgerZeroAddress());
        (_treasury, _committeeTreasury) = (treasury, committeeTreasury);
        emit ILedger.TreasuriesSet(treasury, committeeTreasury);
    }

    function _setParameters(ILedger.Parameters memory next) internal {
        _bound("forcedWindow", next.forcedWindow, 1 hours, 3 days);
        _bound("attestedWindow", next.attestedWindow, 1 hours, next.forcedWindow - 1);
        _bound("closingPeriod", next.closingPeriod, 2 hours, 7 days); // a batch interval and the time to force
        // Money of the last hour of closing is unmatured for the window and up to a day more.
        _bound("retention", next.retention, uint256(next.forcedWindow) + 2 days, 60 days);
        _bound("keyNotice", next.keyNotice, 1 hours, 7 days);
        _bound("coverageBps", next.coverageBps, 1, BPS);
        _bound("bondBps", next.bondBps, 0, BPS);
        _bound("protocolFeeBps", next.protocolFeeBps, 0, 500);
        _bound("committeeFeeBps", next.committeeFeeBps, 0, 500);
        _checkValue(_rules.stakeValue, next.stakeValue);
        (_head.closingPeriod, _head.attestedWindow, _head.forcedWindow) = (
            next.closingPeriod,
            next.attestedWindow,
            next.forcedWindow
        );
        _rules = Rules(
            next.retention,
            next.keyNotice,
            next.coverageBps,
            next.bondBps,
            next.protocolFeeBps,
            next.committeeFeeBps,
            next.stakeValue,
            _rules.valuedAt,
            _rules.lastPage
        );
        emit ILedger.ParametersSet(next);
    }

    function _clockOf(Head memory head) internal view returns (uint256) {
        uint256 step = block.timestamp - head.touched;
        return head.clock + (step < MAX_STEP ? step : MAX_STEP);
    }

    /// @dev At most doubled or halved a day: a wrong value cannot void all coverage at once, nor cover anything.
    function _checkValue(uint256 value, uint256 next) private {
        if (value == 0) return _bound("stakeValue", next, 1, type(uint32).max);
        if (value == next) return;
        _bound("stakeValue", next, (value + 1) / 2, 2 * value);
        uint256 from = _rules.valuedAt + DAY;
        uint256 now_ = _clockOf(_head);
        require(now_ >= from, ILedger.LedgerValueTooSoon(from));
        _rules.valuedAt = uint32(now_);
    }

    function _bound(string memory name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, ILedger.LedgerParameterOutOfBounds(name, value));
    }
}
