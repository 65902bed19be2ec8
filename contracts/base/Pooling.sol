// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Stakes} from "./Stakes.sol";

/// @title Pooling
/// @notice Delegators' pools as sides of tokens and shares, the rewards for staking, and what a slash does to both.
/// @dev Two accumulators carry the rewards: one for all pools by the tokens they hold, times their positions'
/// multipliers, one a pool by its positions' weighted shares. A slash lowers a pool's tokens, and so its weight among
/// the pools, without a look at its positions.
/// @custom:invariant reserve + emitted rewards + pools' tokens are here, beside own sides, bonds and the vault's
/// @custom:invariant the emission's weight is the sum of the pools' weights
abstract contract Pooling is Stakes {
    /// @dev Slots: size, generation, commission | what thaws and weighs | rewards per weighted share | the emission's
    /// rewards per weight when this was touched | earnings per share | earnings that wait for the payout account.
    struct Pool {
        uint88 tokens;
        uint96 shares;
        uint8 generation;
        uint16 commissionBps;
        uint16 nextCommissionBps;
        uint32 commissionFrom;
        uint96 thawing;
        uint128 weight;
        bool isOpen;
        uint256 rewardPerWeight;
        uint256 rewardSeen;
        uint256 paidPerShare;
        uint64 payoutOwed;
    }

    /// @dev Slots: shares | what it is owed and how it is weighed | both accumulators when this was touched.
    struct Position {
        uint96 shares;
        uint96 thawing;
        uint32 thawedAt;
        uint32 lockedUntil;
        uint8 generation;
        uint16 multiplierBps;
        bool compounds;
        uint88 rewards;
        uint64 paid;
        uint256 rewardSeen;
        uint256 paidSeen;
    }

    /// @dev Both accumulators at the end of a pool's generation.
    struct Final {
        uint256 rewardPerWeight;
        uint256 paidPerShare;
    }

    /// @dev Slots: weight and what is governed | rewards per weight | money and its rate.
    struct Emission {
        uint128 weight;
        uint32 touchedAt;
        uint16 multiplier1;
        uint16 multiplier2;
        uint16 multiplier3;
        uint16 maxCommissionBps;
        uint256 rewardPerWeight;
        uint96 reserve;
        uint96 emitted;
        uint64 rate;
    }

    /// @dev Fixed point of the accumulators.
    uint256 internal constant SCALE = 2 ** 96;
    uint256 internal constant LAST_POOL_GENERATION = type(uint8).max;

    mapping(uint256 provider => Pool pool) internal _pools;
    mapping(uint256 provider => mapping(address delegator => Position position)) internal _positions;
    mapping(uint256 provider => mapping(uint256 generation => Final values)) internal _finals;
    Emission internal _emission;

    constructor() {
        (_emission.multiplier1, _emission.multiplier2, _emission.multiplier3) = (12_500, 17_500, 25_000);
        _emission.maxCommissionBps = 3000;
    }

    /// @dev Takes from a pool what its provider's own stake lacks, within the cap of one fault.
    function _slashPool(uint32 provider, uint256 asked, uint32 now_) internal returns (uint256 taken) {
        Pool storage self = _pools[provider];
        uint256 tokens = self.tokens;
        taken = Math.min(asked, (tokens * _poolCapBps) / BPS);
        if (taken == 0) return 0;
        uint256 before = _accruePool(self, now_);
        uint256 left = tokens - taken;
        bool isOver = left << DUST < self.shares && self.generation < LAST_POOL_GENERATION;
        if (isOver) _endGeneration(provider, self, left);
        else self.tokens = uint88(left);
        _reweigh(before, isOver ? 0 : _weightOf(self));
    }

    /// @dev Gives a pool back what a slash took. To the reserve of rewards, if nobody is left there, or a share would
    /// be worth so much that small delegations would lose by it.
    function _regrowPool(uint32 provider, uint256 amount) internal {
        Pool storage self = _pools[provider];
        uint256 tokens = self.tokens + amount;
        if (tokens > uint256(self.shares) << DUST || tokens > MAX_TOKENS) {
            _emission.reserve += uint96(amount);
            return;
        }
        uint256 before = _accruePool(self, _clock());
        self.tokens = uint88(tokens);
        _reweigh(before, _weightOf(self));
    }

    /// @dev Brings the emission's accumulator up to now. Emits no more than the reserve holds.
    function _accrue(uint32 now_) internal returns (uint256 rewardPerWeight) {
        (uint128 weight, uint32 touchedAt) = (_emission.weight, _emission.touchedAt);
        rewardPerWeight = _emission.rewardPerWeight;
        if (now_ == touchedAt) return rewardPerWeight;
        _emission.touchedAt = now_;
        uint256 amount = _emittedDown(now_ - touchedAt);
        if (weight == 0 || amount == 0) return rewardPerWeight;
        _emission.reserve -= uint96(amount);
        _emission.emitted += uint96(amount);
        rewardPerWeight += (amount * SCALE) / weight;
        _emission.rewardPerWeight = rewardPerWeight;
    }

    /// @dev Brings both accumulators up to now.
    /// @return weight The pool's weight among the pools.
    function _accruePool(Pool storage self, uint32 now_) internal returns (uint256 weight) {
        uint256 rewards = _accrue(now_);
        weight = _weightOf(self);
        if (weight != 0) self.rewardPerWeight += Math.mulDiv(rewards - self.rewardSeen, weight, self.weight);
        self.rewardSeen = rewards;
    }

    function _reweigh(uint256 before, uint256 weight) internal {
        if (weight != before) _emission.weight = uint128(_emission.weight + weight - before);
    }

    /// @dev What of a pool can be slashed by one fault and neither thaws nor is in a dispute.
    function _activePool(uint32 provider) internal view returns (uint256) {
        Pool storage self = _pools[provider];
        (uint256 tokens, uint256 all) = (self.tokens, self.shares);
        if (tokens == 0) return 0;
        uint256 out = uint256(self.thawing) + _disputes[provider].pooled;
        return out >= all ? 0 : (_tokensDown(all - out, tokens, all) * _poolCapBps) / BPS;
    }

    function _emittedDown(uint256 elapsed) internal view returns (uint256) {
        return Math.min(elapsed * _emission.rate, _emission.reserve);
    }

    /// @dev A pool's weight among the pools: its positions' weighted shares, in tokens, rounded down.
    function _weightOf(Pool storage self) internal view returns (uint256) {
        uint256 shares = self.shares;
        return shares == 0 ? 0 : (uint256(self.weight) * self.tokens) / shares;
    }

    /// @dev What is left belongs to nobody: rewards.
    function _endGeneration(uint32 provider, Pool storage self, uint256 left) private {
        _finals[provider][self.generation] = Final(self.rewardPerWeight, self.paidPerShare);
        (self.tokens, self.shares, self.generation) = (0, 0, self.generation + 1);
        (self.thawing, self.weight) = (0, 0);
        if (_disputes[provider].pooled != 0) _disputes[provider].pooled = 0;
        _emission.reserve += uint96(left);
    }
}
