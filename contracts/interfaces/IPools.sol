// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Permit} from "./ITypes.sol";

/// @title IPools
/// @notice Delegation: whoever stakes to a provider's pool has a share of what it earns and of the rewards for staking,
/// and is slashed after the provider's own stake.
/// @dev Amounts are base units of the stake token, earnings of the settlement token. Times are seconds on the protocol
/// clock. Called at the registry's address, on whose state this code runs. A pool is tokens and shares: a slash lowers
/// the tokens, whatever the number of delegators. When it leaves next to nothing, the shares are void and a new
/// generation begins.
interface IPools {
    /// @notice One pool.
    /// @param isOpen Whether its provider takes delegations.
    /// @param generation Counts how often a slash voided all shares.
    /// @param commissionBps Part of the delegators' earnings that the provider keeps, now.
    /// @param nextCommissionBps Raised commission.
    /// @param commissionFrom Second from which it is that; 0 if none was announced.
    /// @param tokens All that is delegated, thawing or not.
    /// @param shares All shares.
    /// @param thawing Shares that thaw.
    /// @param disputed Shares under liens of open disputes.
    /// @param weight Shares times their multiplier in basis points, of positions that do not thaw.
    /// @param payoutOwed Settlement token base units that wait for the payout account.
    struct PoolView {
        bool isOpen;
        uint8 generation;
        uint16 commissionBps;
        uint16 nextCommissionBps;
        uint32 commissionFrom;
        uint96 tokens;
        uint96 shares;
        uint96 thawing;
        uint96 disputed;
        uint128 weight;
        uint64 payoutOwed;
    }

    /// @notice One delegator's part of a pool, as it is now.
    /// @param shares Shares that do not thaw.
    /// @param thawing Shares that thaw.
    /// @param thawedAt Second from which the thawing ones can be withdrawn; 0 if none thaw.
    /// @param lockedUntil Second from which it can be taken out; 0 if it always can.
    /// @param multiplierBps What its rewards are multiplied with.
    /// @param compounds Whether anyone may turn its rewards into delegation.
    /// @param value Stake token base units that all its shares are worth.
    /// @param rewards Stake token base units to collect.
    /// @param paid Settlement token base units to collect.
    struct PositionView {
        uint96 shares;
        uint96 thawing;
        uint32 thawedAt;
        uint32 lockedUntil;
        uint16 multiplierBps;
        bool compounds;
        uint96 value;
        uint96 rewards;
        uint64 paid;
    }

    /// @notice Governed numbers.
    /// @param poolCapBps Part of a pool that one fault may take.
    /// @param maxCommissionBps Highest commission.
    /// @param gasValue Stake token base units that a unit of gas is worth: the least slash is 20 times its proof's gas.
    /// @param vaultCapacity Stake token base units that may leave the vault at once.
    /// @param vaultRefill Seconds in which as much may leave again.
    struct StakingParameters {
        uint16 poolCapBps;
        uint16 maxCommissionBps;
        uint64 gasValue;
        uint88 vaultCapacity;
        uint32 vaultRefill;
    }

    /// @notice Rewards for staking.
    /// @param rate Stake token base units a second, for all pools together, as long as the reserve lasts.
    /// @param multipliersBps Weight of a position that is locked for 30, 90 and 180 days; 10000 is that of one
    /// that is not.
    /// @param reserve Stake token base units that were funded and not emitted.
    /// @param emitted Stake token base units that were emitted and not collected.
    /// @param weight Tokens of all pools' positions times their multipliers in basis points.
    struct EmissionView {
        uint64 rate;
        uint16[3] multipliersBps;
        uint96 reserve;
        uint96 emitted;
        uint128 weight;
    }

    /// @notice A provider takes delegations: from now on its earnings go through the registry.
    /// @param provider Provider's id.
    /// @param commissionBps Owner's part of what delegators earn, in 1/10,000.
    event PoolOpened(uint32 indexed provider, uint16 commissionBps);

    /// @notice A provider's commission is, or will be, another one.
    /// @param provider Provider's id.
    /// @param commissionBps New one.
    /// @param from Second on the protocol clock.
    event CommissionSet(uint32 indexed provider, uint16 commissionBps, uint32 from);

    /// @notice A pool grew.
    /// @param provider Provider's id.
    /// @param delegator Whose shares these are.
    /// @param amount Stake token base units.
    /// @param shares What they bought.
    event Delegated(uint32 indexed provider, address indexed delegator, uint96 amount, uint96 shares);

    /// @notice A position cannot be taken out before `until`, and earns rewards as if it were larger.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @param until Second on the protocol clock.
    /// @param multiplierBps Weight of its shares, in 1/10,000.
    event Locked(uint32 indexed provider, address indexed delegator, uint32 until, uint16 multiplierBps);

    /// @notice Shares began to thaw; all of the position's thawing ones are ready at `readyAt`.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @param shares Shares of the pool.
    /// @param readyAt Second on the protocol clock.
    event Undelegating(uint32 indexed provider, address indexed delegator, uint96 shares, uint32 readyAt);

    /// @notice Thawed delegation left.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @param to Recipient.
    /// @param amount Stake token base units.
    /// @param shares Shares of the pool.
    event DelegationWithdrawn(
        uint32 indexed provider,
        address indexed delegator,
        address to,
        uint96 amount,
        uint96 shares
    );

    /// @notice A provider's claim was split.
    /// @param provider Provider's id.
    /// @param amount Settlement token base units.
    /// @param delegated Part of them that is the delegators'.
    event EarningsSplit(uint32 indexed provider, uint64 amount, uint64 delegated);

    /// @notice A provider's part of its earnings was paid.
    /// @param provider Provider's id.
    /// @param to Recipient.
    /// @param amount Settlement token base units.
    event PayoutCollected(uint32 indexed provider, address indexed to, uint64 amount);

    /// @notice A delegator was paid.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @param to Recipient.
    /// @param paid Earnings, settlement token base units.
    /// @param rewards Stake token base units.
    event Collected(uint32 indexed provider, address indexed delegator, address to, uint64 paid, uint96 rewards);

    /// @notice A delegator allows, or no longer, that anyone turns its rewards into delegation.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @param compounds Whether anyone may compound it.
    event CompoundingSet(uint32 indexed provider, address indexed delegator, bool compounds);

    /// @notice Rewards became delegation.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @param amount Stake token base units.
    /// @param shares Shares of the pool.
    event Compounded(uint32 indexed provider, address indexed delegator, uint96 amount, uint96 shares);

    /// @notice The reserve of rewards grew.
    /// @param by Who paid.
    /// @param amount Stake token base units.
    event RewardsFunded(address indexed by, uint96 amount);

    /// @notice Rewards are emitted in another way.
    /// @param rate Stake token base units a second.
    /// @param multipliersBps By term, in 1/10,000.
    event EmissionSet(uint64 rate, uint16[3] multipliersBps);

    /// @notice The governed numbers changed.
    /// @param parameters The new ones.
    event StakingParametersSet(StakingParameters parameters);

    /// @notice The provider takes no delegations.
    error PoolsClosed(uint32 provider);

    /// @notice The provider takes delegations already.
    error PoolsOpen(uint32 provider);

    /// @notice Liens of open disputes are on more than a tenth of the pool: nobody may buy into a coming slash.
    error PoolsInDispute(uint32 provider);

    /// @notice The commission is at most `max`.
    error PoolsBadCommission(uint16 commissionBps, uint16 max);

    /// @notice There are terms 0 (none), 1, 2 and 3, and none may end before the last one does.
    error PoolsBadTerm(uint8 term, uint32 lockedUntil);

    /// @notice The position cannot be taken out before `until`.
    error PoolsLocked(uint32 until);

    /// @notice The position has fewer shares.
    error PoolsInsufficient(uint256 shares, uint256 asked);

    /// @notice It is `clock`, this opens at `from`; 0 if nothing thaws.
    error PoolsTooEarly(uint32 clock, uint32 from);

    /// @notice There is nothing to move.
    error PoolsNothing();

    /// @notice A pool holds less than 2^88 base units and 2^96 shares, and no share of it is worth more than 2^16.
    error PoolsTooMuch(uint32 provider, uint256 amount);

    /// @notice Compounding is for the delegator, or for anyone it allows it.
    error PoolsNotCompounding(address delegator);

    /// @notice Takes delegations from now on.
    /// @dev Provider's owner only. What is claimable is paid out before.
    /// @param provider Provider's id.
    /// @param commissionBps Part of the delegators' earnings that the provider keeps.
    function openPool(uint32 provider, uint16 commissionBps) external;

    /// @notice Lowers the commission at once, or raises it after seven days.
    /// @dev Provider's owner only.
    /// @param provider Provider's id.
    /// @param commissionBps New one.
    function setCommission(uint32 provider, uint16 commissionBps) external;

    /// @notice Delegates, pulled from the caller, and locks the whole position for a term.
    /// @param provider Provider's id.
    /// @param amount Stake token base units.
    /// @param term 0 for none, 1 for 30 days, 2 for 90, 3 for 180.
    /// @param permit The caller's EIP-2612 permit; ignored when the allowance is there.
    /// @return shares What they bought.
    function delegate(
        uint32 provider,
        uint96 amount,
        uint8 term,
        Permit calldata permit
    ) external returns (uint96 shares);

    /// @notice Locks the caller's position for a term from now.
    /// @param provider Provider's id.
    /// @param term See {delegate}.
    function lock(uint32 provider, uint8 term) external;

    /// @notice Starts the thaw of shares, and the thaw of all of the position's that thaw already anew. They earn
    /// nothing more and are slashed as before.
    /// @param provider Provider's id.
    /// @param shares How many.
    function undelegate(uint32 provider, uint96 shares) external;

    /// @notice Takes thawed delegation out.
    /// @param provider Provider's id.
    /// @param to Recipient.
    /// @return amount Stake token base units.
    function withdrawDelegation(uint32 provider, address to) external returns (uint96 amount);

    /// @notice Pays the caller its part of earnings and its rewards.
    /// @param provider Provider's id.
    /// @param to Recipient.
    /// @return paid Settlement token base units.
    /// @return rewards Stake token base units.
    function collect(uint32 provider, address to) external returns (uint64 paid, uint96 rewards);

    /// @notice Pays a provider's part of its earnings to its payout account. Permissionless.
    /// @param provider Provider's id.
    /// @return amount Settlement token base units.
    function collectPayout(uint32 provider) external returns (uint64 amount);

    /// @notice Says whether anyone may compound for the caller.
    /// @param provider Provider's id.
    /// @param compounds Whether.
    function setCompounding(uint32 provider, bool compounds) external;

    /// @notice Turns a position's rewards into delegation.
    /// @dev The delegator, or anyone if it allows it.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    /// @return amount Stake token base units.
    function compound(uint32 provider, address delegator) external returns (uint96 amount);

    /// @notice Ends the multiplier of a position whose term is over. Permissionless.
    /// @param provider Provider's id.
    /// @param delegator Whose position.
    function endTerm(uint32 provider, address delegator) external;

    /// @notice Adds to the reserve of rewards, pulled from the caller.
    /// @param amount Stake token base units.
    function fundRewards(uint96 amount) external;

    /// @notice Sets the rewards' rate and multipliers. Governance only.
    /// @param rate Stake token base units a second, at most 10 tokens.
    /// @param multipliersBps Ascending, 1 to 4.
    function setEmission(uint64 rate, uint16[3] calldata multipliersBps) external;

    /// @notice Sets the governed numbers, within their bounds. Governance only.
    /// @param next See {StakingParameters}.
    function setStakingParameters(StakingParameters calldata next) external;

    /// @notice Splits what the settlement just paid for a provider that has a pool.
    /// @dev Settlement only.
    /// @param provider Provider's id.
    /// @param amount Settlement token base units.
    function onClaim(uint32 provider, uint64 amount) external;

    /// @notice One pool.
    /// @param provider Provider's id.
    /// @return See {PoolView}.
    function poolOf(uint32 provider) external view returns (PoolView memory);

    /// @notice One delegator's part of a pool.
    /// @param provider Provider's id.
    /// @param delegator Account.
    /// @return See {PositionView}.
    function positionOf(uint32 provider, address delegator) external view returns (PositionView memory);

    /// @notice Rewards for staking.
    /// @return See {EmissionView}.
    function emission() external view returns (EmissionView memory);

    /// @notice The governed numbers.
    /// @return See {StakingParameters}.
    function stakingParameters() external view returns (StakingParameters memory);
}
