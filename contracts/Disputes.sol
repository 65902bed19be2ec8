// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claims} from "./base/Claims.sol";
import {Court} from "./base/Court.sol";
import {IDeals} from "./interfaces/IDeals.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IOpenings} from "./interfaces/IOpenings.sol";
import {IReferee} from "./interfaces/IReferee.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Mode, Offer} from "./interfaces/ITypes.sol";
import {GameLib} from "./libraries/GameLib.sol";

/// @title Disputes
/// @notice See {IDisputes}.
/// @custom:invariant a game whose clock is asked ends within both clocks and the arbiter's time
/// @custom:invariant who makes right moves in time ends with no less than it began with, gas aside
contract Disputes is Claims {
    using GameLib for Game;
    using GameLib for IReferee.Claim;

    /// @dev Of each side, for all its moves of a game.
    uint32 private constant CLOCK = 8 hours;
    /// @dev With both clocks 33 hours, which evidence and thaws are reckoned by.
    uint32 private constant ARBITER_CLOCK = 17 hours;

    constructor(
        address authority,
        ITallystick settlement,
        IOpenings openings,
        uint64 price
    ) Court(authority, settlement, openings) {
        _setPrice(price);
    }

    /// @inheritdoc IDisputes
    function challenge(
        uint32 id,
        Shown calldata shown,
        Offer calldata offer,
        uint64 nonce
    ) external returns (bytes32 game) {
        uint32 clock = SETTLEMENT.tick();
        (Proven memory proven, IDeals.DealView memory deal) = _prove(id, shown);
        require(shown.source != Source.Signed && deal.mode != uint8(Mode.Net), DisputesNotProvable(id));
        _requireOpen(id, proven, shown.source);
        _requireOffer(deal, offer, nonce);
        IReferee.Claim memory claim = _claimOf(id, proven, deal.provider, offer);
        bytes32 claimId = keccak256(abi.encode(claim));
        uint64 bond = _bondOf(claimId, claim);
        if (_isNew(claimId)) _openClaim(claimId, claim, proven, clock);

        Game memory self;
        (self.claim, self.number, self.challenger, self.bond) = (claimId, _addGame(claimId), msg.sender, bond);
        (self.referee, self.provider) = (claim.referee, claim.provider);
        (self.moved, self.asserterTime, self.challengerTime) = (clock, CLOCK, CLOCK);
        (self.state, self.turn) = claim.referee.first(claim);
        require(self.turn <= IReferee.Turn.Challenger, DisputesNotProvable(id));
        game = _idOf(self);
        gameHash[game] = self.hashOf();
        emit Challenged(claimId, game, claim, self);

        _pull(bond);
    }

    /// @inheritdoc IDisputes
    function play(IReferee.Claim calldata claim, Game calldata game, bytes calldata move) external {
        uint32 clock = SETTLEMENT.tick();
        (bytes32 gameId, Game memory self) = _requireFacts(claim, game, ClaimState.Open);
        uint256 pulled = _spendTime(gameId, self, move, clock) ? _postBond(self.claim, claim) : 0;
        (self.state, self.turn) = claim.referee.next(claim, self.state, self.turn, move);

        _tell(gameId, self, move);
        if (self.turn > IReferee.Turn.Arbiter) _end(gameId, claim, self, self.turn, false);
        else gameHash[gameId] = self.hashOf();
        if (pulled != 0) _pull(pulled);
    }

    /// @inheritdoc IDisputes
    function advance(Game calldata game, bytes calldata move) external {
        uint32 clock = SETTLEMENT.tick();
        (bytes32 gameId, Game memory self) = _requireGame(game, ClaimState.Open);
        bool isNew = _spendTime(gameId, self, move, clock);
        (self.state, self.turn) = self.referee.advance(self.state, self.turn, move);
        bool holds = self.turn <= IReferee.Turn.Arbiter && (!isNew || _hasBond(self.claim));
        require(holds, DisputesNeedsClaim(gameId));
        gameHash[gameId] = self.hashOf();
        _tell(gameId, self, move);
    }

    /// @inheritdoc IDisputes
    function timeOut(IReferee.Claim calldata claim, Game calldata game) external {
        uint32 clock = SETTLEMENT.tick();
        (bytes32 gameId, Game memory self) = _requireFacts(claim, game, ClaimState.Open);
        IReferee.Turn outcome = IReferee.Turn.Drawn;
        uint32 time = ARBITER_CLOCK;
        if (self.turn == IReferee.Turn.Asserter) {
            (outcome, time) = (IReferee.Turn.ChallengerWon, self.asserterTime);
            (bytes28 known, uint32 at_) = _moveIn(self.claim, keccak256(self.state));
            // a move that was made in time counts in every game that stands there
            require(known == 0 || at_ > self.moved + time, DisputesMoveKnown(known));
        } else if (self.turn == IReferee.Turn.Challenger) {
            (outcome, time) = (IReferee.Turn.AsserterWon, self.challengerTime);
        }
        require(clock > self.moved + time, CourtWrongTime(clock, self.moved + time));
        _end(gameId, claim, self, outcome, true);
    }

    /// @inheritdoc IDisputes
    function conclude(IReferee.Claim calldata claim, Game calldata game) external {
        (bytes32 gameId, Game memory self) = _requireFacts(claim, game, ClaimState.Refuted);
        _closeGame(self.claim, gameId);
        owed[self.challenger] += self.bond;
        emit Ended(self.claim, gameId, IReferee.Turn.ChallengerWon, false);
    }

    /// @notice Takes the time for this move off the clock that ran.
    /// @return isNew Whether the asserter makes this move for the first time.
    function _spendTime(
        bytes32 gameId,
        Game memory self,
        bytes calldata move,
        uint32 clock
    ) private returns (bool isNew) {
        uint32 moved = self.moved;
        if (self.turn == IReferee.Turn.Asserter) {
            (self.moved, isNew) = _moveAsserter(self, move, clock);
            uint32 thought = self.moved - moved;
            require(thought <= self.asserterTime, DisputesTooLate(gameId));
            self.asserterTime -= thought;
            return isNew;
        }
        bool isChallengers = self.turn == IReferee.Turn.Challenger;
        require(!isChallengers || msg.sender == self.challenger, CourtUnauthorized(msg.sender));
        uint32 spent = clock - moved;
        require(spent <= (isChallengers ? self.challengerTime : ARBITER_CLOCK), DisputesTooLate(gameId));
        self.moved = clock;
        if (isChallengers) self.challengerTime -= spent;
    }

    /// @notice The asserter's move: its own, the first in this state, or a repetition of that by anyone.
    /// @return moved Until when its clock ran: now, or when it made the move elsewhere. From then on the challenger's
    /// runs, who can repeat it as well.
    /// @return isNew Whether it is its own.
    function _moveAsserter(
        Game memory self,
        bytes calldata move,
        uint32 clock
    ) private returns (uint32 moved, bool isNew) {
        bytes32 state = keccak256(self.state);
        (bytes28 known, uint32 at_) = _moveIn(self.claim, state);
        bytes28 hash = bytes28(keccak256(move));
        if (known == 0) {
            require(_isPlayer(self.provider), CourtUnauthorized(msg.sender));
            _keepMove(self.claim, state, hash, clock);
            return (clock, true);
        }
        require(hash == known, DisputesOtherMove(known));
        moved = at_ > self.moved ? at_ : self.moved;
    }

    /// @dev An account that has no code and is the transaction's origin calls nobody else: the move is in the input of
    /// the transaction, where everyone can read it. Otherwise the other side could only trace it.
    function _tell(bytes32 gameId, Game memory self, bytes calldata move) private {
        // solhint-disable-next-line avoid-tx-origin
        bool isInInput = msg.sender == tx.origin && msg.sender.code.length == 0;
        emit Moved(gameId, self.moved, isInInput ? move[:0] : move);
    }

    function _end(
        bytes32 gameId,
        IReferee.Claim calldata claim,
        Game memory self,
        IReferee.Turn outcome,
        bool byTime
    ) private {
        bytes32 claimId = self.claim;
        _closeGame(claimId, gameId);
        emit Ended(claimId, gameId, outcome, byTime);
        if (outcome == IReferee.Turn.AsserterWon) {
            _share(self.bond, _payeeOf(claimId, claim.provider));
        } else {
            owed[self.challenger] += self.bond;
        }
        if (outcome == IReferee.Turn.ChallengerWon) _refute(claimId, claim, self.challenger, byTime);
        else _uphold(claimId, claim);
    }

    /// @notice An open game of a claim that is in `state`, by their facts.
    function _requireFacts(
        IReferee.Claim calldata claim,
        Game calldata game,
        ClaimState state
    ) private view returns (bytes32 gameId, Game memory self) {
        (gameId, self) = _requireGame(game, state);
        require(self.claim == claim.hashOf(), CourtOtherFacts(gameId));
    }

    /// @notice An open game of a claim that is in `state`, by its facts.
    function _requireGame(
        Game calldata game,
        ClaimState state
    ) private view returns (bytes32 gameId, Game memory self) {
        bytes32 hash;
        (self, hash) = game.load();
        gameId = _idOf(self);
        require(gameHash[gameId] == hash && _stateOf(self.claim) == state, CourtOtherFacts(gameId));
    }

    function _idOf(Game memory self) private pure returns (bytes32) {
        return keccak256(abi.encode(self.claim, self.number));
    }
}
