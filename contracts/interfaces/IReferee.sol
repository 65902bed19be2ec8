// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IReferee
/// @notice Judges the moves of a game about one receipt: the only thing that knows what a kind of work is.
/// @dev {IDisputes} has the clocks, the bonds and the consequences; it keeps a hash of each game and shows the referee
/// the claim, the game's state and a move. A referee must be total (it answers or reverts, at bounded gas, for any
/// bytes), must depend on nothing but its arguments, or on facts that never change once they are there (a ruling), and
/// must end every game within the number of moves it states. It calls nobody and holds none of the game's money.
///
/// **Two ways to move.** A game's opening and its end concern the claim, so {next} is shown it. Most moves between need
/// the game's state only: {advance} takes those, and saves the players the claim's bytes. A referee may refuse any move
/// there with {RefereeNeedsClaim}; both must lead to the same where it does not. The state must not name the
/// challenger: the core shares the asserter's move among all games that stand in the same state.
interface IReferee {
    /// @notice Who moves next, or how it ended. Arbiter: whoever brings what the referee itself was told meanwhile.
    enum Turn {
        Asserter,
        Challenger,
        Arbiter,
        AsserterWon,
        ChallengerWon,
        Drawn
    }

    /// @notice What a game is about.
    /// @param id Deal's id.
    /// @param key Deal's key.
    /// @param stream Of the receipt.
    /// @param index Receipts of the stream before it.
    /// @param units The receipt's.
    /// @param keep Units of the stream before it.
    /// @param settledAt When it was settled, second on the protocol clock.
    /// @param workHash The receipt's.
    /// @param provider Provider's id: the asserter.
    /// @param program Of the offer.
    /// @param kind See {Kind}.
    /// @param arbiter Of the offer; zero if none.
    /// @param referee Who judges.
    struct Claim {
        uint32 id;
        bytes32 key;
        uint8 stream;
        uint24 index;
        uint24 units;
        uint40 keep;
        uint32 settledAt;
        bytes32 workHash;
        uint32 provider;
        bytes32 program;
        uint8 kind;
        address arbiter;
        IReferee referee;
    }

    /// @notice A claim that this referee cannot judge.
    error RefereeNotMine(uint8 kind, address arbiter);

    /// @notice The move is none in this state.
    error RefereeBadMove();

    /// @notice The move can be judged by the claim only: see {next}.
    error RefereeNeedsClaim();

    /// @notice What every game on a claim begins with.
    /// @param claim The claim.
    /// @return state Any bytes.
    /// @return turn Who moves first.
    function first(Claim calldata claim) external view returns (bytes memory state, Turn turn);

    /// @notice What a move leads to. Reverts if it is none.
    /// @param claim The claim.
    /// @param state The game's.
    /// @param turn Whose it is.
    /// @param move Any bytes.
    /// @return after_ The game's next state.
    /// @return then_ Who moves then.
    function next(
        Claim calldata claim,
        bytes calldata state,
        Turn turn,
        bytes calldata move
    ) external view returns (bytes memory after_, Turn then_);

    /// @notice What a move leads to that does not concern the claim. Reverts if it does, or is none.
    /// @param state The game's.
    /// @param turn Whose it is.
    /// @param move Any bytes.
    /// @return after_ The game's next state.
    /// @return then_ Who moves then.
    function advance(
        bytes calldata state,
        Turn turn,
        bytes calldata move
    ) external view returns (bytes memory after_, Turn then_);

    /// @notice Most moves that a side can be forced to make in one game, which its bond covers.
    /// @param claim The claim.
    /// @return asserter The asserter.
    /// @return challenger The challenger.
    function moves(Claim calldata claim) external view returns (uint16 asserter, uint16 challenger);
}
