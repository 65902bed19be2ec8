// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IVault} from "./IVault.sol";

/// @title IRemedies
/// @notice What a proven fault does to the settlement's own books. Courts only, which the registry names once and for
/// all.
/// @dev Amounts are base units of the settlement token. Times are seconds on the protocol clock. A stream that is
/// frozen
/// has the greatest cursor there is: no group continues it. What its units are lowered by, its deal has left again.
interface IRemedies {
    /// @notice A stream was frozen.
    /// @param id Deal's id.
    /// @param stream Index.
    /// @param cursor Receipts that were settled.
    event StreamFrozen(uint32 indexed id, uint8 indexed stream, uint24 cursor);

    /// @notice Units of a frozen stream were voided: what they were paid for left its provider's unmatured earnings and
    /// is the deal's again, or the buyer's where the deal is closed.
    /// @param id Deal's id.
    /// @param stream Index.
    /// @param units Units that are left.
    /// @param amount Settlement token base units: what was clawed back for it, and else what was in a dispute.
    event UnitsVoided(uint32 indexed id, uint8 indexed stream, uint40 units, uint64 amount);

    /// @notice Money left a provider's unmatured earnings; what for is told next.
    /// @param provider Provider's id.
    /// @param amount Settlement token base units.
    /// @param due Days from now to the first bucket it was taken from; later ones come next, sooner ones last.
    event ClawedBack(uint32 indexed provider, uint64 amount, uint8 due);

    /// @notice Unmatured money went into a dispute.
    /// @param provider Provider's id.
    /// @param amount Settlement token base units.
    event Seized(uint32 indexed provider, uint64 amount);

    /// @notice A deal has other open disputes than before.
    /// @param id Deal's id.
    /// @param disputes How many are open now.
    event DisputesChanged(uint32 indexed id, uint32 disputes);

    /// @notice Money in a dispute became its provider's again; it matures as if it had been settled then.
    /// @param provider Provider's id.
    /// @param amount Settlement token base units.
    event Restored(uint32 indexed provider, uint64 amount);

    /// @notice A netted deal was stopped because of a fault.
    /// @param id Deal's id.
    event StoppedForFault(uint32 indexed id);

    /// @notice Money that a net batch misdirected went back to its buyer.
    /// @param provider Provider's id.
    /// @param buyer Who gets it.
    /// @param toNetted To what the buyer's netted deals may be paid with.
    /// @param toFree To its free balance, where that holds their budgets in full.
    event NettedReturned(uint32 indexed provider, address indexed buyer, uint64 toNetted, uint64 toFree);

    /// @notice A deal's provider asked for work in vain: what it leaves undone is no no-show.
    /// @param id Deal's id.
    event DealExcused(uint32 indexed id);

    /// @notice The caller is no court.
    error RemediesOnlyCourts(address caller);

    /// @notice The deal has another key, or no such stream.
    error RemediesNoSuchStream(uint32 id, uint8 stream);

    /// @notice The money has matured.
    error RemediesMatured(uint32 settledAt);

    /// @notice Netted deals have no streams of their own.
    error RemediesNetted(uint32 id);

    /// @notice Units were settled after those of the forced group.
    error RemediesNotLast(uint32 id, uint8 stream);

    /// @notice The provider's disputes do not hold as much, or the deal has no open dispute.
    error RemediesNotDisputed();

    /// @notice Slashes a deal's provider, freezes the stream (stops the deal if it is netted), and lowers the
    /// provider's
    /// cover. Asks at least for the deal's bond, and for twice the value of everything the stream was paid for.
    /// @param id Deal's id.
    /// @param key Its key.
    /// @param stream Index.
    /// @param charge What for; `asked` is a floor here, and `subject` is filled in.
    /// @return taken Stake token base units.
    function penalize(
        uint32 id,
        bytes32 key,
        uint8 stream,
        IVault.Charge calldata charge
    ) external returns (uint96 taken);

    /// @notice The same for who was silent: asks for the deal's bond only.
    /// @param id Deal's id.
    /// @param key Its key.
    /// @param stream Index.
    /// @param charge What for; `asked` is a floor here, and `subject` is filled in.
    /// @return taken Stake token base units.
    function forfeit(
        uint32 id,
        bytes32 key,
        uint8 stream,
        IVault.Charge calldata charge
    ) external returns (uint96 taken);

    /// @notice Freezes a stream and voids its unacknowledged units above `keep`, if the group they begin in is
    /// unmatured.
    /// @param id Deal's id.
    /// @param key Its key.
    /// @param stream Index.
    /// @param keep Units of the stream that stay.
    /// @param settledAt When the group in which they end was settled.
    /// @param seized Money in a dispute that belongs to them and is used up first.
    /// @return amount What the deal has left again.
    function voidUnits(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt,
        uint64 seized
    ) external returns (uint64 amount);

    /// @notice The same for units that a forced group brought, which mature later: while its own window is open and if
    /// nothing was settled after it.
    /// @param id Deal's id.
    /// @param key Its key.
    /// @param stream Index.
    /// @param keep Units of the stream that stay.
    /// @param settledAt When the group was settled.
    /// @param until Units of the stream at the group's end.
    /// @param seized Money in a dispute that belongs to them and is used up first.
    /// @return amount What the deal has left again.
    function voidForced(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt,
        uint40 until,
        uint64 seized
    ) external returns (uint64 amount);

    /// @notice Moves what a stream's unacknowledged units above `keep` were paid for out of the unmatured earnings.
    /// @param id Deal's id.
    /// @param key Its key.
    /// @param stream Index.
    /// @param keep Units of the stream that stay.
    /// @param settledAt When the group in which they end was settled.
    /// @return amount Settlement token base units.
    function seize(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt
    ) external returns (uint64 amount);

    /// @notice The same for units that a forced group brought, see {voidForced}.
    /// @param id Deal's id.
    /// @param key Its key.
    /// @param stream Index.
    /// @param keep Units of the stream that stay.
    /// @param settledAt When the group in which they end was settled.
    /// @param until Units of the stream after that group, which must be its last.
    /// @return amount Settlement token base units.
    function seizeForced(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt,
        uint40 until
    ) external returns (uint64 amount);

    /// @notice Takes money that a net batch misdirected out of a provider's unmatured earnings and gives it back to its
    /// buyer, as far as it is still there.
    /// @param provider Who was credited.
    /// @param buyer Who was debited.
    /// @param amount Settlement token base units.
    /// @param settledAt When the batch was settled.
    /// @return returned What was there.
    function returnNetted(
        uint32 provider,
        address buyer,
        uint64 amount,
        uint32 settledAt
    ) external returns (uint64 returned);

    /// @notice Excuses a deal's provider from a no-show: it asked for work, and nobody answered.
    /// @param id Deal's id.
    /// @param key Its key.
    function excuse(uint32 id, bytes32 key) external;

    /// @notice Gives money in a dispute back to the provider.
    /// @param provider Provider's id.
    /// @param amount Settlement token base units.
    function restore(uint32 provider, uint64 amount) external;

    /// @notice Counts an open dispute on a deal: its bond stays reserved and its id its own until all have ended.
    /// @param id Deal's id.
    /// @param key Its key.
    function beginDispute(uint32 id, bytes32 key) external;

    /// @notice Ends one. Releases the bond of a deal that was closed meanwhile.
    /// @param id Deal's id.
    function endDispute(uint32 id) external;

    /// @notice Money in disputes.
    /// @return Settlement token base units.
    function disputed() external view returns (uint64);
}
