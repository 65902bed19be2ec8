// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IBonds} from "./IBonds.sol";
import {Permit} from "./ITypes.sol";

/// @title IRegistry
/// @notice Providers: their own stake and its thaw, their liens, their payout address, their workers' keys.
/// @dev Amounts are base units of the stake token. Times are seconds on the protocol clock.
/// Workers' keys stand in append-only code pages: page n is the n-th contract this registry created, its code is
/// `00 ‖ (provider id (4 bytes) ‖ key (20 bytes))*`. A worker's index is `page << 9 | row`, pages counted from 1; it
/// may have several, in pages that hold several providers' workers too.
interface IRegistry is IBonds {
    /// @notice One provider.
    /// @param owner Account that signs offers and manages stake.
    /// @param operator Account that may force and manage workers; zero if none.
    /// @param payout Account that earnings go to.
    /// @param stake Own stake that is not thawing.
    /// @param liens Part of it that is reserved for deals and disputes.
    /// @param thawing Stake on its way out, still slashable.
    /// @param thawedAt Second from which `thawing` can be withdrawn; 0 if none.
    /// @param nextPayout Account proposed as payout; zero if none.
    /// @param payoutFrom Second from which the accepted proposal can be applied; 0 until accepted.
    struct ProviderView {
        address owner;
        address operator;
        address payout;
        uint96 stake;
        uint96 liens;
        uint96 thawing;
        uint32 thawedAt;
        address nextPayout;
        uint32 payoutFrom;
    }

    /// @notice A provider's own stake as the registry keeps it.
    /// @param tokens All of it, thawing or not.
    /// @param shares All shares; as many as tokens until a slash.
    /// @param blocked Shares that thaw or are under a lien.
    /// @param thawing Shares that thaw.
    /// @param disputed Shares under liens of open disputes.
    /// @param generation Counts how often a slash voided all shares.
    struct SideView {
        uint96 tokens;
        uint96 shares;
        uint96 blocked;
        uint96 thawing;
        uint96 disputed;
        uint8 generation;
    }

    /// @notice The settlement and its courts were named.
    /// @param settlement Its address.
    /// @param courts Contracts that decide what is proven otherwise than in one transaction.
    event Bound(address indexed settlement, address[] courts);

    /// @notice A provider joined.
    /// @param provider Its id.
    /// @param owner Account that signs offers and manages stake.
    /// @param payout Account that earnings go to.
    event Joined(uint32 indexed provider, address indexed owner, address payout);

    /// @notice Stake was added.
    /// @param provider Provider's id.
    /// @param amount Stake token base units.
    event Staked(uint32 indexed provider, uint96 amount);

    /// @notice Stake began to thaw; all of the provider's thawing stake is ready at `readyAt`.
    /// @param provider Provider's id.
    /// @param amount Added to the thawing stake.
    /// @param readyAt Second on the protocol clock.
    event Thawing(uint32 indexed provider, uint96 amount, uint32 readyAt);

    /// @notice Thawed stake left.
    /// @param provider Provider's id.
    /// @param to Recipient.
    /// @param amount Stake token base units.
    event StakeWithdrawn(uint32 indexed provider, address indexed to, uint96 amount);

    /// @notice Stake was reserved for a deal.
    /// @param provider Provider's id.
    /// @param lien Generation and shares, see {LienLib}; before any slash the stake token base units asked for.
    event Reserved(uint32 indexed provider, uint96 lien);

    /// @notice Reserved stake was freed, if its generation is not over.
    /// @param provider Provider's id.
    /// @param lien Generation and shares.
    event Released(uint32 indexed provider, uint96 lien);

    /// @notice Stake was put under the lien of a dispute.
    /// @param provider Provider's id.
    /// @param own Shares of its own stake.
    /// @param pooled Shares of its pool.
    event Liened(uint32 indexed provider, uint256 own, uint256 pooled);

    /// @notice The lien of a dispute ended.
    /// @param provider Provider's id.
    /// @param own Shares of its own stake.
    /// @param pooled Shares of its pool.
    event Unliened(uint32 indexed provider, uint256 own, uint256 pooled);

    /// @notice Workers' keys were added as one page.
    /// @param provider Provider's id.
    /// @param firstIndex Index of the first key; the others follow.
    /// @param keys 20 bytes each.
    event WorkersRegistered(uint32 indexed provider, uint40 indexed firstIndex, bytes keys);

    /// @notice Workers were given a further index each, in one page.
    /// @param firstIndex New index of the first one; the others follow.
    /// @param indexes Indexes they were copied from.
    event WorkersPacked(uint40 indexed firstIndex, uint40[] indexes);

    /// @notice A worker's tallies stop settling at `from`, under every index its key has with this provider.
    /// @param provider Provider's id.
    /// @param index Worker's index.
    /// @param from Second on the protocol clock.
    event WorkerRevoked(uint32 indexed provider, uint40 indexed index, uint32 from);

    /// @notice The operator changed.
    /// @param provider Provider's id.
    /// @param operator Account; zero if none.
    event OperatorSet(uint32 indexed provider, address operator);

    /// @notice A new payout address was proposed (zero: withdrawn).
    /// @param provider Provider's id.
    /// @param payout Proposed account.
    event PayoutProposed(uint32 indexed provider, address indexed payout);

    /// @notice The proposed account accepted; it can be applied from `from`.
    /// @param provider Provider's id.
    /// @param payout Proposed account.
    /// @param from Second on the protocol clock.
    event PayoutAccepted(uint32 indexed provider, address indexed payout, uint32 from);

    /// @notice The payout address changed.
    /// @param provider Provider's id.
    /// @param payout Account that earnings go to.
    event PayoutSet(uint32 indexed provider, address indexed payout);

    /// @notice New stake is refused until `until`.
    /// @param until Second on the protocol clock.
    event Paused(uint32 until);

    /// @notice The caller is not who this takes.
    error RegistryUnauthorized(uint32 provider, address caller);

    /// @notice This account already is a provider.
    error RegistryAlreadyJoined(address owner);

    /// @notice There is no such provider.
    error RegistryUnknownProvider(uint32 provider);

    /// @notice The provider has `available` where `needed` is asked for.
    error RegistryInsufficientStake(uint32 provider, uint256 available, uint256 needed);

    /// @notice A side holds less than 2^88 base units, and less than 2^96 shares after slashes.
    error RegistryTooMuchStake(uint32 provider, uint256 amount);

    /// @notice Nothing was asked to move.
    error RegistryZeroAmount();

    /// @notice The zero address was given where an account is needed.
    error RegistryZeroAddress();

    /// @notice It is `clock`, this opens at `from`; 0 means it was never begun.
    error RegistryTooEarly(uint32 provider, uint32 clock, uint32 from);

    /// @notice Keys come as 1 to 512 times 20 bytes, none of them zero.
    error RegistryBadKeys(uint256 length);

    /// @notice A page has 1 to 512 rows.
    error RegistryBadRows(uint256 rows);

    /// @notice No worker has this index.
    error RegistryUnknownWorker(uint40 index);

    /// @notice Every page that an index of 40 bits can name is written.
    error RegistryPagesExhausted();

    /// @notice The worker is not this provider's.
    error RegistryNotAWorker(uint32 provider, uint40 index);

    /// @notice A revocation names a time at least the notice away.
    error RegistryNoticeTooShort(uint32 from, uint32 earliest);

    /// @notice The worker is revoked already, and not later than asked.
    error RegistryAlreadyRevoked(uint40 index);

    /// @notice The settlement was bound already, or the caller is not the deployer.
    error RegistryBindRefused(address caller);

    /// @notice New stake is paused until `until`.
    error RegistryPaused(uint32 until);

    /// @notice Names the settlement and its courts, once.
    /// @dev Deployer only.
    /// @param settlement Its address.
    /// @param courts Contracts that decide what is proven otherwise than in one transaction.
    function bind(address settlement, address[] calldata courts) external;

    /// @notice Joins in one transaction: permit, stake, payout address and workers.
    /// @param amount Stake token base units; may be zero.
    /// @param permit The caller's EIP-2612 permit; ignored when the allowance is there or `amount` is zero.
    /// @param payout Account that earnings go to.
    /// @param operator Account that may force and manage workers; zero if none.
    /// @param keys Workers' keys, 20 bytes each; may be empty.
    /// @return provider The provider's id.
    function join(
        uint96 amount,
        Permit calldata permit,
        address payout,
        address operator,
        bytes calldata keys
    ) external returns (uint32 provider);

    /// @notice Adds stake, pulled from the caller.
    /// @param provider Provider's id.
    /// @param amount Stake token base units; positive.
    function stake(uint32 provider, uint96 amount) external;

    /// @notice Starts the thaw of free stake; thawing stake covers no new work and stays slashable.
    /// @dev Owner only. Adding to a thaw under way restarts its time for all of it.
    /// @param provider Provider's id.
    /// @param amount Stake token base units; positive.
    function thaw(uint32 provider, uint96 amount) external;

    /// @notice Takes thawed stake out.
    /// @dev Owner only.
    /// @param provider Provider's id.
    /// @param to Recipient.
    /// @return amount Stake token base units sent.
    function withdrawStake(uint32 provider, address to) external returns (uint96 amount);

    /// @notice Adds workers' keys as one page.
    /// @dev Owner or operator.
    /// @param provider Provider's id.
    /// @param keys 20 bytes each, 1 to 512 of them.
    /// @return firstIndex Index of the first key; the others follow.
    function registerWorkers(uint32 provider, bytes calldata keys) external returns (uint40 firstIndex);

    /// @notice Copies workers of any providers into one page, under further indexes, so that batches touch few pages.
    /// Permissionless.
    /// @param indexes 1 to 512 indexes that workers have.
    /// @return firstIndex New index of the first one; the others follow.
    function packWorkers(uint40[] calldata indexes) external returns (uint40 firstIndex);

    /// @notice Ends a worker's membership at `from`, under all its indexes; may be brought forward, never put off.
    /// @dev Owner or operator.
    /// @param provider Provider's id.
    /// @param index Worker's index.
    /// @param from Second on the protocol clock, at least the notice away.
    function revokeWorker(uint32 provider, uint40 index, uint32 from) external;

    /// @notice Replaces the operator.
    /// @dev Owner only.
    /// @param provider Provider's id.
    /// @param operator Account; zero if none.
    function setOperator(uint32 provider, address operator) external;

    /// @notice Proposes a new payout address, or withdraws the proposal with zero.
    /// @dev Owner or current payout address; the payout address may only withdraw it.
    /// @param provider Provider's id.
    /// @param payout Proposed account.
    function proposePayout(uint32 provider, address payout) external;

    /// @notice Accepts to be the payout address; the notice starts.
    /// @dev Proposed account only.
    /// @param provider Provider's id.
    function acceptPayout(uint32 provider) external;

    /// @notice Puts an accepted payout address in force after the notice. Permissionless.
    /// @param provider Provider's id.
    function applyPayout(uint32 provider) external;

    /// @notice Refuses new stake for `duration`, at most 14 days; it ends by itself, or at once with 0.
    /// The next one may begin 14 days after its end.
    /// @dev Guardian only.
    /// @param duration Seconds.
    function pause(uint32 duration) external;

    /// @notice Reserves stake for a deal.
    /// @dev Settlement only.
    /// @param provider Provider's id.
    /// @param amount Stake token base units.
    /// @return lien What releases it again, see {LienLib}.
    function reserve(uint32 provider, uint96 amount) external returns (uint96 lien);

    /// @notice Frees what is left of reserved stake: a deal can always be closed.
    /// @dev Settlement only.
    /// @param provider Provider's id.
    /// @param lien See {reserve}.
    function release(uint32 provider, uint96 lien) external;

    /// @notice Puts stake under the lien of a dispute: as much as asked for, or as there is that no other lien is on,
    /// first of the own stake, then of the pool. Thawing stake, too, which then cannot be withdrawn before the dispute
    /// ends. It covers nothing meanwhile.
    /// @dev Settlement and courts only.
    /// @param provider Provider's id.
    /// @param amount Stake token base units.
    /// @return lien_ What ends it again, see {LienLib}.
    function lien(uint32 provider, uint96 amount) external returns (uint96 lien_);

    /// @notice Ends the lien of a dispute.
    /// @dev Settlement and courts only.
    /// @param provider Provider's id.
    /// @param lien_ See {lien}.
    function unlien(uint32 provider, uint96 lien_) external;

    /// @notice One provider.
    /// @param provider Provider's id.
    /// @return See {ProviderView}.
    function providerOf(uint32 provider) external view returns (ProviderView memory);

    /// @notice The provider an account owns.
    /// @param owner Account.
    /// @return provider Its id; 0 if none.
    function idOf(address owner) external view returns (uint32 provider);

    /// @notice Account that a provider's earnings go to.
    /// @param provider Provider's id.
    /// @return Account.
    function payoutOf(uint32 provider) external view returns (address);

    /// @notice Whether `account` may force and manage workers for the provider.
    /// @param provider Provider's id.
    /// @param account Account.
    /// @return True for the owner and the operator.
    function isOperator(uint32 provider, address account) external view returns (bool);

    /// @notice A provider's own stake as it is kept.
    /// @param provider Provider's id.
    /// @return See {SideView}.
    function sideOf(uint32 provider) external view returns (SideView memory);

    /// @notice What a lien is worth after slashes.
    /// @param provider Provider's id.
    /// @param lien See {reserve}.
    /// @return Stake token base units, rounded down.
    function lienValue(uint32 provider, uint96 lien) external view returns (uint96);

    /// @notice Whether a contract may ask for remedies, liens and members' bonds.
    /// @param account Its address.
    /// @return True for those that {bind} named.
    function isCourt(address account) external view returns (bool);

    /// @notice Stake that covers unmatured earnings: own stake that neither thaws nor is in a dispute, and of such
    /// delegation as much as one fault may take.
    /// @param provider Provider's id.
    /// @return Stake token base units.
    function slashable(uint32 provider) external view returns (uint96);

    /// @notice A worker's key and whose it is.
    /// @param index Worker's index.
    /// @return provider Provider's id; 0 if no worker has this index.
    /// @return key Worker's key; zero if no worker has this index.
    function workerAt(uint40 index) external view returns (uint32 provider, address key);

    /// @notice When a worker's tallies stop settling.
    /// @param index Worker's index.
    /// @return Second on the protocol clock; 0 if never.
    function revokedFrom(uint40 index) external view returns (uint32);
}
