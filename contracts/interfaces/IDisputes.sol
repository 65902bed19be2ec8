// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ICourt} from "./ICourt.sol";
import {IReferee} from "./IReferee.sol";
import {Offer} from "./ITypes.sol";

/// @title IDisputes
/// @notice Games about settled receipts between the provider that asserts them and whoever challenges.
/// @dev A **claim** is one settled, unmatured, unacknowledged receipt. Any number of challengers play a **game** each
/// on it, at the same time. Each side has 8 hours for all its moves of a game, so a game ends within 16 hours, or
/// within 33 where an arbiter rules. What the asserter moved in a state counts in every game on the claim that gets
/// there: anyone may repeat it, and its clock does not run. One challenger's win refutes the claim: its units and all
/// later ones of the stream are void and the provider is slashed, fully if it lost, with its bond if it only was
/// silent.
///
/// Money: opening a claim takes what is disputed out of the unmatured earnings until the last game on the stream has
/// ended. The challenger's bond pays for what the asserter can be forced to do, and doubles with each open game on the
/// claim; the asserter posts one bond a claim with its first move. A loser's bond goes 80 % to the winner and 20 % to
/// nobody; every other bond returns.
interface IDisputes is ICourt {
    /// @notice Where a claim stands.
    enum ClaimState {
        None,
        Open,
        Upheld,
        Refuted
    }

    /// @notice Facts of a game; the chain keeps their hash.
    /// @param claim Its claim.
    /// @param referee The claim's.
    /// @param provider The claim's.
    /// @param number Games on the claim before it.
    /// @param challenger Who challenges.
    /// @param bond The challenger's, settlement token base units.
    /// @param moved When the last move was made.
    /// @param asserterTime Seconds the asserter has left.
    /// @param challengerTime Seconds the challenger has left.
    /// @param turn Whose move it is.
    /// @param state The referee's.
    struct Game {
        bytes32 claim;
        IReferee referee;
        uint32 provider;
        uint16 number;
        address challenger;
        uint64 bond;
        uint32 moved;
        uint32 asserterTime;
        uint32 challengerTime;
        IReferee.Turn turn;
        bytes state;
    }

    /// @notice What the chain keeps of a claim.
    /// @param state Where it stands.
    /// @param open Open games.
    /// @param games Games so far.
    /// @param bond The asserter's, settlement token base units; 0 until its first move.
    /// @param payer Who posted it.
    struct ClaimView {
        ClaimState state;
        uint16 open;
        uint16 games;
        uint64 bond;
        address payer;
    }

    /// @notice A receipt was challenged.
    /// @param claim The claim.
    /// @param game The game.
    /// @param facts Everything about it.
    /// @param opened The game's facts.
    event Challenged(bytes32 indexed claim, bytes32 indexed game, IReferee.Claim facts, Game opened);

    /// @notice A move was made. What it leads to the referee says, see {IReferee-next}; but for that, the facts of the
    /// game stay as they are, and the time went off the clock of who moved.
    /// @param game The game.
    /// @param until Until when the clock of who moved ran.
    /// @param move What was moved; empty if the transaction's input is the call that says so.
    event Moved(bytes32 indexed game, uint32 until, bytes move);

    /// @notice A game ended.
    /// @param claim The claim.
    /// @param game The game.
    /// @param outcome How.
    /// @param byTime Whether a clock ran out.
    event Ended(bytes32 indexed claim, bytes32 indexed game, IReferee.Turn outcome, bool byTime);

    /// @notice A claim has no open games any more, or was refuted.
    /// @param claim The claim.
    /// @param state Where it stands.
    event ClaimEnded(bytes32 indexed claim, ClaimState state);

    /// @notice A provider named a key that may play for it.
    /// @param provider Provider's id.
    /// @param player Account; zero if none.
    event PlayerSet(uint32 indexed provider, address player);

    /// @notice A kind of work has another referee, for claims to come.
    /// @param kind Kind of work.
    /// @param referee Its referee.
    event RefereeSet(uint8 indexed kind, IReferee referee);

    /// @notice The price of a move changed.
    /// @param perMove Settlement token base units.
    event PriceSet(uint64 perMove);

    /// @notice Nobody can judge this: there is no referee for the kind, the offer names no arbiter, or it is netted.
    error DisputesNotProvable(uint32 id);

    /// @notice The claim was refuted.
    error DisputesRefuted(bytes32 claim);

    /// @notice Too many games are open on the claim.
    error DisputesTooMany(bytes32 claim);

    /// @notice The asserter made another move in this state already.
    error DisputesOtherMove(bytes32 move);

    /// @notice The asserter's move in this state is known: repeat it.
    error DisputesMoveKnown(bytes32 move);

    /// @notice The clock has run out.
    error DisputesTooLate(bytes32 game);

    /// @notice The move is the asserter's first on the claim, or may end the game: {play} it.
    error DisputesNeedsClaim(bytes32 game);

    /// @notice Challenges a settled receipt. Anyone.
    /// @param id Deal's id.
    /// @param shown The receipt, by its place.
    /// @param offer The deal's offer.
    /// @param nonce The buyer's, with which the deal was opened.
    /// @return game Its identity.
    function challenge(
        uint32 id,
        Shown calldata shown,
        Offer calldata offer,
        uint64 nonce
    ) external returns (bytes32 game);

    /// @notice Makes a move. The side whose turn it is; anyone, if it is the arbiter's turn or the asserter's move in
    /// this state is known.
    /// @param claim The claim.
    /// @param game The game.
    /// @param move Any bytes; the referee judges.
    function play(IReferee.Claim calldata claim, Game calldata game, bytes calldata move) external;

    /// @notice Makes a move that neither brings the asserter's bond nor ends the game, without the claim's facts. As
    /// {play} otherwise.
    /// @param game The game.
    /// @param move Any bytes; the referee judges.
    function advance(Game calldata game, bytes calldata move) external;

    /// @notice Ends a game whose side to move has run out of time; a silent arbiter draws it. Permissionless.
    /// @param claim The claim.
    /// @param game The game.
    function timeOut(IReferee.Claim calldata claim, Game calldata game) external;

    /// @notice Ends an open game on a claim that was refuted in another one; its bond returns. Permissionless.
    /// @param claim The claim.
    /// @param game The game.
    function conclude(IReferee.Claim calldata claim, Game calldata game) external;

    /// @notice Names a key that may play for a provider besides its owner and operator. Owner or operator.
    /// @param provider Provider's id.
    /// @param player Account; zero if none.
    function setPlayer(uint32 provider, address player) external;

    /// @notice Names the referee of a kind of work, for claims to come. Governance only.
    /// @param kind See {Kind}.
    /// @param referee Its referee.
    function setReferee(uint8 kind, IReferee referee) external;

    /// @notice Replaces the price of a move, which bonds are reckoned by. Governance only.
    /// @param perMove Settlement token base units, 1 to 2^36.
    function setPrice(uint64 perMove) external;

    /// @notice What the chain keeps of a claim.
    /// @param claim Its identity.
    /// @return See {ClaimView}.
    function claimOf(bytes32 claim) external view returns (ClaimView memory);

    /// @notice Hash of an open game's facts.
    /// @param game Its identity.
    /// @return Zero if it is not open.
    function gameHash(bytes32 game) external view returns (bytes32);

    /// @notice The asserter's move in a state that some game on a claim was in.
    /// @param claim Its identity.
    /// @param state The referee's.
    /// @return move Hash of the move, its last four bytes cut; zero if none was made.
    /// @return madeAt When it was made.
    function moveOf(bytes32 claim, bytes calldata state) external view returns (bytes28 move, uint32 madeAt);

    /// @notice What a challenger's bond on a claim would be now.
    /// @param claim The claim.
    /// @return Settlement token base units.
    function bondOf(IReferee.Claim calldata claim) external view returns (uint64);

    /// @notice Key that may play for a provider besides its owner and operator.
    /// @param provider Provider's id.
    /// @return Zero if none.
    function playerOf(uint32 provider) external view returns (address);

    /// @notice Referee of a kind of work.
    /// @param kind See {Kind}.
    /// @return Zero if none.
    function refereeOf(uint8 kind) external view returns (IReferee);

    /// @notice Price of a move.
    /// @return Settlement token base units.
    function perMove() external view returns (uint64);
}
