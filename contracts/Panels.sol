// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Court} from "./base/Court.sol";
import {IDeals} from "./interfaces/IDeals.sol";
import {IOpenings} from "./interfaces/IOpenings.sol";
import {IPanels} from "./interfaces/IPanels.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Fault, Mode} from "./interfaces/ITypes.sol";
import {HeaderLib} from "./libraries/HeaderLib.sol";
import {WorkLib} from "./libraries/WorkLib.sol";

/// @title Panels
/// @notice See {IPanels}.
/// @custom:invariant nobody is unpaid or slashed unless `k` of those drawn revealed one other result
/// @custom:invariant who is drawn is fixed by a block that nobody had seen at the last commitment
contract Panels is IPanels, Court {
    /// @dev Two slots a panel.
    struct Standing {
        PanelState state;
        uint32 committed;
        uint32 drawn;
        uint32 revealed;
        uint64 drawBlock;
        uint32 revealUntil;
        bytes32 result;
    }

    uint256 private constant MOST_SEATS = 16;
    uint256 private constant MIN_TIME = 10 minutes;
    uint256 private constant MAX_COMMIT = 14 days;
    uint256 private constant MAX_REVEAL = 2 days;
    /// @dev Blocks between the last commitment and the one that draws: its randomness is not known before.
    uint256 private constant DRAW_DELAY = 4;
    /// @dev Hashes of older blocks are gone.
    uint256 private constant KNOWN_BLOCKS = 256;
    uint32 private constant UNPAY_GAS = 400_000;

    mapping(bytes32 panel => Standing standing) private _standings;
    /// @dev A commitment, then the plain hash that was revealed.
    mapping(bytes32 panel => mapping(uint256 seat => bytes32 result)) private _results;
    mapping(address buyer => uint64 panels) private _panels;

    constructor(address authority, ITallystick settlement, IOpenings openings) Court(authority, settlement, openings) {}

    /// @inheritdoc IPanels
    function openPanel(Panel calldata panel, Candidate[] calldata candidates) external returns (bytes32 id) {
        uint256 clock = SETTLEMENT.tick();
        Panel memory self = panel;
        _checkShape(self, candidates.length, clock);
        (self.buyer, self.number) = (msg.sender, _panels[msg.sender]++);
        self.seats = new Seat[](candidates.length);
        for (uint256 i = 0; i < candidates.length; ++i) {
            self.seats[i] = _seatOf(candidates[i]);
            _check(i == 0 || candidates[i].id > candidates[i - 1].id, "id", candidates[i].id);
            bool alike = candidates[i].offer.program == candidates[0].offer.program;
            _check(alike, "program", uint256(candidates[i].offer.program));
            for (uint256 j = 0; j < i; ++j) {
                _check(self.seats[j].provider != self.seats[i].provider, "provider", self.seats[i].provider);
            }
        }
        id = keccak256(abi.encode(self));
        _standings[id].state = PanelState.Committing;
        emit PanelOpened(id, msg.sender, self);
    }

    /// @inheritdoc IPanels
    function commit(Panel calldata panel, uint8 seat, bytes32 commitment) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 id = _requireState(panel, PanelState.Committing);
        require(clock <= panel.commitUntil, CourtWrongTime(clock, panel.commitUntil));
        bool isOpen = seat < panel.seats.length && _results[id][seat] == 0 && commitment != 0;
        require(isOpen, PanelsWrongSeat(seat));
        require(REGISTRY.isOperator(panel.seats[seat].provider, msg.sender), CourtUnauthorized(msg.sender));
        _results[id][seat] = commitment;
        _standings[id].committed |= uint32(1 << seat);
        emit ResultCommitted(id, seat, commitment);
    }

    /// @inheritdoc IPanels
    function seal(Panel calldata panel) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 id = keccak256(abi.encode(panel));
        Standing storage self = _standings[id];
        uint256 all = (1 << panel.seats.length) - 1;
        if (self.state == PanelState.Sealed) {
            require(block.number > self.drawBlock + KNOWN_BLOCKS, PanelsOtherBlock(self.drawBlock));
        } else {
            _requireState(panel, PanelState.Committing);
            bool isOver = clock > panel.commitUntil || self.committed == all;
            require(isOver, CourtWrongTime(clock, panel.commitUntil));
        }
        if (_count(self.committed) < panel.size) return _end(id, 0);
        (self.state, self.drawBlock) = (PanelState.Sealed, uint64(block.number + DRAW_DELAY));
        emit PanelSealed(id, self.drawBlock);
    }

    /// @inheritdoc IPanels
    function draw(Panel calldata panel, bytes calldata header) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 id = _requireState(panel, PanelState.Sealed);
        Standing storage self = _standings[id];
        bytes32 hash = blockhash(self.drawBlock);
        require(hash != 0 && keccak256(header) == hash, PanelsOtherBlock(self.drawBlock));
        bytes32 seed = keccak256(abi.encode(HeaderLib.randomnessOf(header), id));
        (self.state, self.drawn) = (PanelState.Revealing, _drawn(self.committed, panel.size, seed));
        self.revealUntil = clock + panel.revealFor;
        emit PanelDrawn(id, self.drawn, self.revealUntil);
    }

    /// @inheritdoc IPanels
    function reveal(Panel calldata panel, uint8 seat, Shown calldata shown, Work calldata work, bytes32 salt) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 id = _requireState(panel, PanelState.Revealing);
        Standing storage self = _standings[id];
        require(clock <= self.revealUntil, CourtWrongTime(clock, self.revealUntil));
        require(_has(self.drawn & ~self.revealed, seat), PanelsWrongSeat(seat));
        Proven memory proven = _proveTask(panel, seat, shown, work);
        bytes32 commitment = keccak256(abi.encode(id, seat, proven.workHash, work.plainHash, salt));
        require(_results[id][seat] == commitment, PanelsOtherResult(seat));
        _results[id][seat] = work.plainHash;
        self.revealed |= uint32(1 << seat);
        emit ResultRevealed(id, seat, work.plainHash, proven.workHash);
    }

    /// @inheritdoc IPanels
    function finish(Panel calldata panel) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 id = keccak256(abi.encode(panel));
        Standing storage self = _standings[id];
        if (self.state == PanelState.Sealed) {
            // nobody drew, perhaps because this chain has other headers
            uint32 until = panel.commitUntil + panel.revealFor;
            require(clock > until, CourtWrongTime(clock, until));
            return _end(id, 0);
        }
        _requireState(panel, PanelState.Revealing);
        bool isOver = clock > self.revealUntil || self.revealed == self.drawn;
        require(isOver, CourtWrongTime(clock, self.revealUntil));
        _end(id, _agreed(id, self.revealed, panel.k));
    }

    /// @inheritdoc IPanels
    function unpay(Panel calldata panel, uint8 seat, Shown calldata shown, Work calldata work) external {
        SETTLEMENT.tick();
        bytes32 id = _requireState(panel, PanelState.Agreed);
        Standing storage self = _standings[id];
        bool isOther = _has(self.drawn, seat) && work.plainHash != self.result && shown.source != Source.Signed;
        require(isOther, PanelsWrongSeat(seat));
        Proven memory proven = _proveTask(panel, seat, shown, work);
        Seat calldata its = panel.seats[seat];
        bytes32 evidence = keccak256(abi.encode(uint256(proven.index), id));
        bool slashed =
            its.consents &&
                panel.seats.length >= 2 * panel.size &&
                _penalize(its.id, its.key, proven.stream, Fault.Minority, UNPAY_GAS, address(0), evidence);
        emit MinorityUnpaid(id, seat, slashed);
        _void(its.id, its.key, proven.stream, proven.keep, proven.last, proven.forced, proven.settledAt);
    }

    /// @inheritdoc IPanels
    function panelOf(bytes32 panel) external view returns (PanelView memory) {
        Standing memory self = _standings[panel];
        return
            PanelView(
                self.state,
                self.committed,
                self.drawn,
                self.revealed,
                self.drawBlock,
                self.revealUntil,
                self.result
            );
    }

    /// @inheritdoc IPanels
    function idOf(Panel calldata panel) external pure returns (bytes32) {
        return keccak256(abi.encode(panel));
    }

    function _end(bytes32 id, bytes32 result) private {
        Standing storage self = _standings[id];
        self.state = result == 0 ? PanelState.Tied : PanelState.Agreed;
        self.result = result;
        emit PanelEnded(id, self.state, result);
    }

    /// @notice A receipt of a seat's deal that is of the panel's task.
    function _proveTask(
        Panel calldata panel,
        uint8 seat,
        Shown calldata shown,
        Work calldata work
    ) private view returns (Proven memory proven) {
        Seat calldata its = panel.seats[seat];
        (proven, ) = _prove(its.id, shown);
        require(proven.key == its.key, CourtNoSuchDeal(its.id));
        Order memory order = Order(its.order, panel.inputRoot, panel.maxUnits);
        bool isIts = work.taskHash == WorkLib.taskHash(its.key, order) && WorkLib.workHash(work) == proven.workHash;
        require(isIts, CourtOtherWork(proven.workHash));
    }

    function _seatOf(Candidate calldata candidate) private view returns (Seat memory) {
        IDeals.DealView memory deal = SETTLEMENT.deal(candidate.id);
        require(deal.state == IDeals.DealState.Open && deal.mode != uint8(Mode.Net), CourtNoSuchDeal(candidate.id));
        require(deal.buyer == msg.sender, CourtUnauthorized(msg.sender));
        _requireOffer(deal, candidate.offer, candidate.nonce);
        return Seat(candidate.id, deal.key, deal.provider, candidate.order, candidate.offer.panel);
    }

    /// @notice Result that `k` of those who revealed have in common; zero if none.
    function _agreed(bytes32 id, uint256 revealed, uint256 k) private view returns (bytes32) {
        for (uint256 i = 0; i < MOST_SEATS; ++i) {
            if (!_has(revealed, i)) continue;
            bytes32 result = _results[id][i];
            uint256 votes = 0;
            for (uint256 j = i; j < MOST_SEATS; ++j) {
                if (_has(revealed, j) && _results[id][j] == result) ++votes;
            }
            if (votes >= k) return result;
        }
        return 0;
    }

    function _requireState(Panel calldata panel, PanelState state) private view returns (bytes32 id) {
        id = keccak256(abi.encode(panel));
        require(_standings[id].state == state, PanelsWrongState(id, _standings[id].state));
    }

    /// @notice `size` of the seats in `from`, each as likely as any other.
    /// @dev Assumes there are as many. A seed of 256 bits modulo a few seats favours none noticeably.
    function _drawn(uint256 from, uint256 size, bytes32 seed) private pure returns (uint32 drawn) {
        uint256 left = _count(from);
        for (uint256 i = 0; i < size; ++i) {
            uint256 nth = uint256(keccak256(abi.encode(seed, i))) % left--;
            uint256 seat = 0;
            for (; !_has(from, seat) || nth != 0; ++seat) {
                if (_has(from, seat)) --nth;
            }
            from &= ~(1 << seat);
            drawn |= uint32(1 << seat);
        }
    }

    function _checkShape(Panel memory panel, uint256 candidates, uint256 clock) private pure {
        _check(candidates >= 2 && candidates <= MOST_SEATS, "candidates", candidates);
        _check(panel.seats.length == 0, "seats", panel.seats.length);
        _check(panel.size >= 2 && panel.size <= candidates, "size", panel.size);
        _check(panel.k <= panel.size && 2 * uint256(panel.k) > panel.size, "k", panel.k);
        uint256 commitUntil = panel.commitUntil;
        bool fits = commitUntil >= clock + MIN_TIME && commitUntil <= clock + MAX_COMMIT;
        _check(fits, "commitUntil", commitUntil);
        _check(panel.revealFor >= MIN_TIME && panel.revealFor <= MAX_REVEAL, "revealFor", panel.revealFor);
    }

    function _count(uint256 seats) private pure returns (uint256 count) {
        for (; seats != 0; seats &= seats - 1) ++count;
    }

    function _has(uint256 seats, uint256 seat) private pure returns (bool) {
        return (seats >> seat) & 1 == 1;
    }

    function _check(bool holds, string memory field, uint256 value) private pure {
        require(holds, PanelsBadPanel(field, value));
    }
}
