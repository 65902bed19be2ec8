// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Pooling} from "./base/Pooling.sol";
import {Stakes} from "./base/Stakes.sol";
import {IEarnings} from "./interfaces/IEarnings.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IPools} from "./interfaces/IPools.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {ITeller} from "./interfaces/ITeller.sol";
import {Permit} from "./interfaces/ITypes.sol";

/// @title Pools
/// @notice See {IPools}.
/// @dev Code only. The registry runs it on its own state by delegatecall, because one contract may not hold both
/// (EIP-170). It can never be replaced. Called at its own address it has no settlement and no providers.
contract Pools is IPools, Pooling {
    using SafeERC20 for IERC20;

    /// @notice Seconds between announcing a higher commission and its beginning.
    uint32 public constant COMMISSION_NOTICE = 7 days;
    /// @dev Part of the pool that liens of open disputes may be on before deposits rest.
    uint256 private constant DISPUTED_PART = 10;
    uint256 private constant MAX_COMMISSION = 5000;
    uint256 private constant MAX_RATE = 10e18;
    uint256 private constant MAX_MULTIPLIER = 40_000;
    uint256 private constant MAX_GAS_VALUE = 1e16;
    uint256 private constant MIN_VAULT_CAPACITY = 1000e18;
    uint256 private constant TERMS = 4;

    constructor(address authority, IERC20 stakeToken) Stakes(authority, stakeToken) {}

    /// @inheritdoc IPools
    function openPool(uint32 provider, uint16 commissionBps) external onlyOwner(provider) {
        Pool storage self = _pools[provider];
        require(!self.isOpen, PoolsOpen(provider));
        _checkCommission(commissionBps);
        _claim(provider);
        (self.isOpen, self.commissionBps) = (true, commissionBps);
        emit PoolOpened(provider, commissionBps);
        IEarnings(settlement).setPayout(provider, address(this));
    }

    /// @inheritdoc IPools
    function setCommission(uint32 provider, uint16 commissionBps) external onlyOwner(provider) {
        Pool storage self = _pools[provider];
        require(self.isOpen, PoolsClosed(provider));
        _checkCommission(commissionBps);
        uint32 now_ = _clock();
        uint16 current = _commissionOf(self, now_);
        bool isRaise = commissionBps > current;
        uint32 from = isRaise ? now_ + COMMISSION_NOTICE : now_;
        self.commissionBps = isRaise ? current : commissionBps;
        (self.nextCommissionBps, self.commissionFrom) = isRaise ? (commissionBps, from) : (uint16(0), uint32(0));
        emit CommissionSet(provider, commissionBps, from);
    }

    /// @inheritdoc IPools
    function delegate(
        uint32 provider,
        uint96 amount,
        uint8 term,
        Permit calldata permit
    ) external returns (uint96 shares) {
        require(amount != 0, PoolsNothing());
        _requireNotPaused();
        _claim(provider);
        uint32 now_ = _clock();
        uint256 before = _touchPosition(provider, msg.sender, now_);
        _lock(provider, term, now_);
        shares = _deposit(provider, msg.sender, amount);
        _weigh(provider, before);
        emit Delegated(provider, msg.sender, amount, shares);
        IEarnings(settlement).refreshCover(provider);
        _permit(amount, permit);
        STAKE_TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IPools
    function lock(uint32 provider, uint8 term) external {
        uint32 now_ = _clock();
        uint256 before = _touchPosition(provider, msg.sender, now_);
        _lock(provider, term, now_);
        _weigh(provider, before);
    }

    /// @inheritdoc IPools
    function undelegate(uint32 provider, uint96 shares) external {
        require(shares != 0, PoolsNothing());
        _claim(provider);
        uint32 now_ = _clock();
        uint256 before = _touchPosition(provider, msg.sender, now_);
        Position storage position = _positions[provider][msg.sender];
        require(position.lockedUntil == 0, PoolsLocked(position.lockedUntil));
        require(shares <= position.shares, PoolsInsufficient(position.shares, shares));
        uint32 readyAt = now_ + THAW;
        (position.shares, position.thawing) = (position.shares - shares, position.thawing + shares);
        position.thawedAt = readyAt;
        Pool storage self = _pools[provider];
        self.thawing += shares;
        self.weight -= uint128(uint256(shares) * position.multiplierBps);
        _weigh(provider, before);
        emit Undelegating(provider, msg.sender, shares, readyAt);
        IEarnings(settlement).refreshCover(provider);
    }

    /// @inheritdoc IPools
    function withdrawDelegation(uint32 provider, address to) external returns (uint96 amount) {
        uint32 now_ = _clock();
        uint256 before = _touchPosition(provider, msg.sender, now_);
        Position storage position = _positions[provider][msg.sender];
        require(position.thawedAt != 0 && now_ >= position.thawedAt, PoolsTooEarly(now_, position.thawedAt));
        uint96 shares = position.thawing;
        (position.thawing, position.thawedAt) = (0, 0);
        Pool storage self = _pools[provider];
        (uint256 tokens, uint256 all) = (self.tokens, self.shares);
        uint256 free = all - _disputes[provider].pooled;
        require(shares <= free, PoolsInsufficient(free, shares));
        amount = uint96(_tokensDown(shares, tokens, all));
        (self.tokens, self.shares) = (uint88(tokens - amount), uint96(all - shares));
        self.thawing -= shares;
        _weigh(provider, before);
        emit DelegationWithdrawn(provider, msg.sender, to, amount, shares);
        STAKE_TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IPools
    function collect(uint32 provider, address to) external returns (uint64 paid, uint96 rewards) {
        _touchPosition(provider, msg.sender, _clock());
        Position storage position = _positions[provider][msg.sender];
        (paid, rewards) = (position.paid, position.rewards);
        require(paid != 0 || rewards != 0, PoolsNothing());
        (position.paid, position.rewards) = (0, 0);
        _emission.emitted -= rewards;
        emit Collected(provider, msg.sender, to, paid, rewards);
        if (paid != 0) _payToken().safeTransfer(to, paid);
        if (rewards != 0) STAKE_TOKEN.safeTransfer(to, rewards);
    }

    /// @inheritdoc IPools
    function collectPayout(uint32 provider) external returns (uint64 amount) {
        _claim(provider);
        amount = _pools[provider].payoutOwed;
        require(amount != 0, PoolsNothing());
        _pools[provider].payoutOwed = 0;
        address to = _payoutOf(provider);
        emit PayoutCollected(provider, to, amount);
        _payToken().safeTransfer(to, amount);
    }

    /// @inheritdoc IPools
    function setCompounding(uint32 provider, bool compounds) external {
        _positions[provider][msg.sender].compounds = compounds;
        emit CompoundingSet(provider, msg.sender, compounds);
    }

    /// @inheritdoc IPools
    function compound(uint32 provider, address delegator) external returns (uint96 amount) {
        Position storage position = _positions[provider][delegator];
        require(msg.sender == delegator || position.compounds, PoolsNotCompounding(delegator));
        _claim(provider);
        uint256 before = _touchPosition(provider, delegator, _clock());
        amount = position.rewards;
        require(amount != 0, PoolsNothing());
        position.rewards = 0;
        _emission.emitted -= amount;
        uint96 shares = _deposit(provider, delegator, amount);
        _weigh(provider, before);
        emit Compounded(provider, delegator, amount, shares);
        IEarnings(settlement).refreshCover(provider);
    }

    /// @inheritdoc IPools
    function endTerm(uint32 provider, address delegator) external {
        _weigh(provider, _touchPosition(provider, delegator, _clock()));
    }

    /// @inheritdoc IPools
    function fundRewards(uint96 amount) external {
        require(amount != 0, PoolsNothing());
        _accrue(_clock());
        _emission.reserve += amount;
        emit RewardsFunded(msg.sender, amount);
        STAKE_TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IPools
    function setEmission(uint64 rate, uint16[3] calldata multipliersBps) external restricted {
        _bound("rate", rate, 0, MAX_RATE);
        uint256 last = BPS;
        for (uint256 i = 0; i < multipliersBps.length; ++i) {
            _bound("multiplier", multipliersBps[i], last, MAX_MULTIPLIER);
            last = multipliersBps[i];
        }
        _accrue(_clock());
        _emission.rate = rate;
        (_emission.multiplier1, _emission.multiplier2, _emission.multiplier3) = (
            multipliersBps[0],
            multipliersBps[1],
            multipliersBps[2]
        );
        emit EmissionSet(rate, multipliersBps);
    }

    /// @inheritdoc IPools
    function setStakingParameters(StakingParameters calldata next) external restricted {
        _bound("poolCapBps", next.poolCapBps, 100, BPS);
        _bound("maxCommissionBps", next.maxCommissionBps, 0, MAX_COMMISSION);
        _bound("gasValue", next.gasValue, 1, MAX_GAS_VALUE);
        _bound("vaultCapacity", next.vaultCapacity, MIN_VAULT_CAPACITY, MAX_TOKENS);
        _bound("vaultRefill", next.vaultRefill, 1 hours, 30 days);
        (_poolCapBps, _gasValue) = (next.poolCapBps, next.gasValue);
        _emission.maxCommissionBps = next.maxCommissionBps;
        (_limiter.capacity, _limiter.refill) = (next.vaultCapacity, next.vaultRefill);
        emit StakingParametersSet(next);
    }

    /// @inheritdoc IPools
    function onClaim(uint32 provider, uint64 amount) external onlySettlement(provider) {
        Pool storage self = _pools[provider];
        uint256 active = self.shares - self.thawing;
        uint256 tokens = active == 0 ? 0 : _tokensDown(active, self.tokens, self.shares);
        uint256 delegated = 0;
        if (tokens != 0) {
            uint256 rest = BPS - _commissionOf(self, ILedger(settlement).clock());
            uint256 part = (amount * rest * tokens) / (BPS * (tokens + _activeOwn(provider)));
            uint256 perShare = (part * SCALE) / active;
            self.paidPerShare += perShare;
            delegated = Math.ceilDiv(perShare * active, SCALE);
        }
        self.payoutOwed += uint64(amount - delegated);
        emit EarningsSplit(provider, amount, uint64(delegated));
    }

    /// @inheritdoc IPools
    function poolOf(uint32 provider) external view returns (PoolView memory) {
        Pool storage self = _pools[provider];
        return
            PoolView({
                isOpen: self.isOpen,
                generation: self.generation,
                commissionBps: _commissionOf(self, ILedger(settlement).clock()),
                nextCommissionBps: self.nextCommissionBps,
                commissionFrom: self.commissionFrom,
                tokens: self.tokens,
                shares: self.shares,
                thawing: self.thawing,
                disputed: _disputes[provider].pooled,
                weight: self.weight,
                payoutOwed: self.payoutOwed
            });
    }

    /// @inheritdoc IPools
    function positionOf(uint32 provider, address delegator) external view returns (PositionView memory result) {
        Position memory position = _positions[provider][delegator];
        Pool storage self = _pools[provider];
        bool isOver = position.generation != self.generation;
        (uint256 rewards, uint256 paid) = isOver
            ? (
                _finals[provider][position.generation].rewardPerWeight,
                _finals[provider][position.generation].paidPerShare
            )
            : (_rewardPerWeightNow(self), self.paidPerShare);
        (uint256 newRewards, uint256 newPaid) = _dueDown(position, rewards, paid);
        (result.rewards, result.paid) = (position.rewards + uint96(newRewards), position.paid + uint64(newPaid));
        result.compounds = position.compounds;
        if (isOver) return result;
        (result.shares, result.thawing, result.thawedAt) = (position.shares, position.thawing, position.thawedAt);
        (result.lockedUntil, result.multiplierBps) = (position.lockedUntil, position.multiplierBps);
        result.value = uint96(_valueOf(self, uint256(position.shares) + position.thawing));
    }

    /// @inheritdoc IPools
    function emission() external view returns (EmissionView memory result) {
        Emission memory self = _emission;
        uint256 fresh = self.weight == 0 ? 0 : _emittedDown(ILedger(settlement).clock() - self.touchedAt);
        (result.rate, result.weight) = (self.rate, self.weight);
        result.multipliersBps = [self.multiplier1, self.multiplier2, self.multiplier3];
        (result.reserve, result.emitted) = (self.reserve - uint96(fresh), self.emitted + uint96(fresh));
    }

    /// @inheritdoc IPools
    function stakingParameters() external view returns (StakingParameters memory) {
        return
            StakingParameters(_poolCapBps, _emission.maxCommissionBps, _gasValue, _limiter.capacity, _limiter.refill);
    }

    /// @dev What is claimable so far belongs to those who are in the pool so far.
    function _claim(uint32 provider) private {
        try ITeller(settlement).claim(provider) {} catch {}
    }

    /// @dev Brings the pool and a position of it up to now; a term that is over ends.
    /// @return before The pool's weight among the pools, which {_weigh} needs.
    function _touchPosition(uint32 provider, address delegator, uint32 now_) private returns (uint256 before) {
        Pool storage self = _pools[provider];
        before = _accruePool(self, now_);
        Position storage position = _positions[provider][delegator];
        bool isOver = position.generation != self.generation;
        Final memory end =
            isOver ? _finals[provider][position.generation] : Final(self.rewardPerWeight, self.paidPerShare);
        (uint256 rewards, uint256 paid) = _dueDown(position, end.rewardPerWeight, end.paidPerShare);
        if (rewards != 0) position.rewards += uint88(rewards);
        if (paid != 0) position.paid += uint64(paid);
        (position.rewardSeen, position.paidSeen) = (self.rewardPerWeight, self.paidPerShare);
        if (isOver) {
            (position.shares, position.thawing, position.thawedAt, position.lockedUntil) = (0, 0, 0, 0);
            position.generation = self.generation;
        }
        bool hasEnded = position.lockedUntil != 0 && now_ >= position.lockedUntil;
        if (hasEnded || position.multiplierBps == 0 || isOver) _setMultiplier(self, position, uint16(BPS), 0);
    }

    function _setMultiplier(Pool storage self, Position storage position, uint16 multiplierBps, uint32 until) private {
        uint256 shares = position.shares;
        if (shares != 0) {
            self.weight = uint128(self.weight + shares * multiplierBps - shares * position.multiplierBps);
        }
        (position.multiplierBps, position.lockedUntil) = (multiplierBps, until);
    }

    /// @dev Counts the pool's weight among the pools after a change.
    function _weigh(uint32 provider, uint256 before) private {
        _reweigh(before, _weightOf(_pools[provider]));
    }

    /// @dev Locks the caller's position, and weighs it accordingly.
    function _lock(uint32 provider, uint8 term, uint32 now_) private {
        Position storage position = _positions[provider][msg.sender];
        uint32 until = term == 0 ? 0 : now_ + _termOf(term);
        require(term < TERMS && until >= position.lockedUntil, PoolsBadTerm(term, position.lockedUntil));
        if (until == 0) return;
        uint16 multiplierBps = _multiplierOf(term);
        _setMultiplier(_pools[provider], position, multiplierBps, until);
        emit Locked(provider, msg.sender, until, multiplierBps);
    }

    function _deposit(uint32 provider, address delegator, uint96 amount) private returns (uint96) {
        Pool storage self = _pools[provider];
        require(self.isOpen, PoolsClosed(provider));
        (uint256 tokens, uint256 all) = (self.tokens, self.shares);
        Disputes memory disputes = _disputes[provider];
        if (disputes.own != 0 || disputes.pooled != 0) _requireCalm(provider, disputes, tokens, all);
        require(all == 0 || (tokens != 0 && tokens <= all << DUST), PoolsTooMuch(provider, amount));
        uint256 shares = _sharesDown(amount, tokens, all);
        require(shares != 0, PoolsNothing());
        require(tokens + amount <= MAX_TOKENS && all + shares <= type(uint96).max, PoolsTooMuch(provider, amount));
        (self.tokens, self.shares) = (uint88(tokens + amount), uint96(all + shares));
        Position storage position = _positions[provider][delegator];
        position.shares += uint96(shares);
        self.weight += uint128(shares * position.multiplierBps);
        return uint96(shares);
    }

    function _requireCalm(uint32 provider, Disputes memory disputes, uint256 tokens, uint256 all) private view {
        (uint256 ownTokens, uint256 ownAll) = _sideOf(_providers[provider]);
        uint256 liens = _tokensUp(disputes.own, ownTokens, ownAll) + _tokensUp(disputes.pooled, tokens, all);
        require(liens <= tokens / DISPUTED_PART, PoolsInDispute(provider));
    }

    function _payToken() private view returns (IERC20) {
        return IERC20(ITallystick(settlement).TOKEN());
    }

    function _checkCommission(uint16 commissionBps) private view {
        uint16 max = _emission.maxCommissionBps;
        require(commissionBps <= max, PoolsBadCommission(commissionBps, max));
    }

    function _rewardPerWeightNow(Pool storage self) private view returns (uint256 result) {
        result = self.rewardPerWeight;
        uint256 weight = _weightOf(self);
        if (weight == 0) return result;
        uint256 rewards = _emission.rewardPerWeight;
        uint256 fresh = _emittedDown(ILedger(settlement).clock() - _emission.touchedAt);
        rewards += (fresh * SCALE) / _emission.weight;
        result += Math.mulDiv(rewards - self.rewardSeen, weight, self.weight);
    }

    function _valueOf(Pool storage self, uint256 shares) private view returns (uint256) {
        return shares == 0 ? 0 : _tokensDown(shares, self.tokens, self.shares);
    }

    function _multiplierOf(uint8 term) private view returns (uint16) {
        if (term == 1) return _emission.multiplier1;
        return term == 2 ? _emission.multiplier2 : _emission.multiplier3;
    }

    function _commissionOf(Pool storage self, uint32 now_) private view returns (uint16) {
        bool isRaised = self.commissionFrom != 0 && now_ >= self.commissionFrom;
        return isRaised ? self.nextCommissionBps : self.commissionBps;
    }

    function _dueDown(
        Position memory position,
        uint256 rewardPerWeight,
        uint256 paidPerShare
    ) private pure returns (uint256 rewards, uint256 paid) {
        uint256 shares = position.shares;
        if (shares == 0) return (0, 0);
        rewards = Math.mulDiv(rewardPerWeight - position.rewardSeen, shares * position.multiplierBps, SCALE);
        paid = Math.mulDiv(paidPerShare - position.paidSeen, shares, SCALE);
    }

    function _termOf(uint8 term) private pure returns (uint32) {
        if (term == 1) return 30 days;
        return term == 2 ? 90 days : 180 days;
    }

    function _bound(string memory name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, ILedger.LedgerParameterOutOfBounds(name, value));
    }
}
