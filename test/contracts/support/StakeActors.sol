// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {IDemands} from "../../../contracts/interfaces/IDemands.sol";
import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IPools} from "../../../contracts/interfaces/IPools.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Fault, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {IVault} from "../../../contracts/interfaces/IVault.sol";
import {Evidence} from "./Evidence.sol";
import {Vm} from "./Probe.sol";

/// @notice The liar's stake, its pool, a member's bond and the vault, and what slashes should do to them.
abstract contract StakeActors is Evidence {
    /// @notice Stake that answered for what was signed at `at_`, and what was slashed until then.
    struct Liable {
        uint256 at_;
        uint256 own;
        uint256 pool;
        uint256 slashedOwn;
        uint256 slashedPool;
    }

    uint256 public constant DELEGATORS = 3;
    uint256 private constant CAP_BPS = 5000;
    uint256 private constant GAS_VALUE = 1e12;
    uint256 private constant FLOOR = 20;
    uint256 private constant MOST_LIABLE = 16;
    uint256 internal constant FAMILY_BUYER = 2;
    address public constant FRIEND = address(0xf41e2d);
    address public constant WATCHER = address(0x3a7c);
    bytes32 private constant SLASHED = keccak256(
        "Slashed(bytes32,uint8,(bytes32,uint32,address,uint96,uint96,uint96,address,address,bytes32,uint64,uint32))"
    );
    bytes32 private constant DEMANDED = keccak256(
        "Demanded(bytes32,uint32,(uint8,uint8,uint32,bytes32,uint8,uint24,uint64,uint40,uint40,bool,uint32,bytes32,uint32,address,uint64,uint32))"
    );

    /// @notice Calls that came in, and those that found nothing to do.
    uint256 public calls;
    uint256 public idle;
    /// @notice How often each kind of call did what it is for.
    mapping(string name => uint256 times) public done;
    IDemands public demands;
    /// @notice Slashes, and those of a subject that was punished before.
    uint256 public slashes;
    uint256 public doubled;
    /// @notice What slashes took less or more than they should have.
    uint256 public escaped;
    /// @notice Times a share's price rose by a slash, or fell by anything else.
    uint256 public wrongPrices;
    /// @notice Slashed stake that waits, and what of it would go to the liar's family.
    uint256 public waiting;
    uint256 public familyWaits;
    /// @notice Stake tokens that the liar's family was given.
    uint256 public given;
    /// @notice Everything slashed of the liar's own and its pool.
    uint256 public slashedOwn;
    uint256 public slashedPool;
    mapping(bytes32 subject => uint256 times) public punished;
    /// @notice What was claimed by each provider.
    uint256[2] public claimed;
    IVault.Case[] internal _cases;
    Liable[] private _liable;
    uint256 private _charges;
    address private _member;

    // what the next slash should take
    bytes32 private _awaited;
    uint256 private _wantOwn;
    uint256 private _wantPool;
    uint256[4] private _sidesBefore;

    /// @dev Whatever is done: without a slash no share is worth less.
    modifier counted(string memory name) {
        ++calls;
        (uint256 before, uint256 taken) = (idle, slashes);
        uint256[4] memory sides = _sides();
        _;
        if (slashes == taken) _checkPrices(sides, false);
        if (idle == before) ++done[name];
    }

    /// @dev Who comes or goes has what is claimable claimed first.
    modifier claiming() {
        uint256 before = tally.earnings(_liar()).claimable;
        _;
        claimed[LIAR] += before - tally.earnings(_liar()).claimable;
    }

    constructor() {
        // so little of its own that a few slashes reach the pool
        _thaw(110 * STAKE);
        _pass(7 days);
        vm.prank(_owner(LIAR));
        registry.withdrawStake(_liar(), address(0xdead));
        given = registry.sideOf(_liar()).tokens;
        vm.prank(_owner(LIAR));
        _staking().openPool(_liar(), 1000);
        _member = vm.addr(_memberKey(0));
        vm.prank(_member);
        _staking().nameBondOwner(_member, _member);
        dollar.mint(WATCHER, FUNDS);
        vm.prank(WATCHER);
        dollar.approve(address(demands), FUNDS);
        for (uint256 i = 0; i < DELEGATORS; ++i) {
            stakeToken.mint(delegator(i), 1e30);
            vm.prank(delegator(i));
            stakeToken.approve(address(registry), type(uint256).max);
            _delegate(i, 50 * STAKE);
        }
        stakeToken.mint(_member, 1e30);
        vm.prank(_member);
        stakeToken.approve(address(registry), type(uint256).max);
    }

    // ---- the liar's stake ----

    function stake(uint256 amount) external counted("stake") {
        _stake(LIAR, _within(amount, 1, 100 * STAKE));
    }

    function thaw(uint256 amount) external counted("thaw") {
        _thaw(amount);
    }

    function _thaw(uint256 amount) private {
        IRegistry.ProviderView memory view_ = registry.providerOf(_liar());
        if (view_.stake < view_.liens + 2 * STAKE) _stake(LIAR, 10 * STAKE);
        view_ = registry.providerOf(_liar());
        uint256 free = view_.stake - view_.liens;
        vm.prank(_owner(LIAR));
        registry.thaw(_liar(), uint96(_within(amount, 1, free - 2)));
    }

    function withdrawStake(uint256 seed) external counted("withdrawStake") {
        IRegistry.SideView memory side = registry.sideOf(_liar());
        if (side.thawing == 0) {
            _thaw(seed);
            side = registry.sideOf(_liar());
        }
        uint32 readyAt = registry.providerOf(_liar()).thawedAt;
        if (tally.clock() < readyAt) _live((readyAt - tally.clock()) / 1 hours + 1);
        side = registry.sideOf(_liar());
        // a slash may have voided it, a dispute may hold all of it
        if (side.thawing == 0 || side.blocked - side.thawing >= side.shares) return _nothing();
        vm.prank(_owner(LIAR));
        registry.withdrawStake(_liar(), _owner(LIAR));
    }

    // ---- its pool ----

    function delegate(uint256 who, uint256 amount) external counted("delegate") claiming {
        if (_rests()) return _nothing();
        _delegate(who % DELEGATORS, _within(amount, STAKE, 200 * STAKE));
    }

    function undelegate(uint256 who, uint256 amount) external counted("undelegate") claiming {
        IPools.PositionView memory position = _positionOf(who);
        if (position.shares == 0) {
            if (_rests()) return _nothing();
            _delegate(who % DELEGATORS, 10 * STAKE);
            position = _positionOf(who);
        }
        vm.prank(delegator(who));
        _staking().undelegate(_liar(), uint96(_within(amount, 1, position.shares)));
    }

    function withdrawDelegation(uint256 who) external counted("withdrawDelegation") {
        _beginThaw(who);
        IPools.PositionView memory position = _positionOf(who);
        if (tally.clock() < position.thawedAt) _live((position.thawedAt - tally.clock()) / 1 hours + 1);
        position = _positionOf(who);
        IPools.PoolView memory pool = _pool();
        if (position.thawing == 0 || position.thawing > pool.shares - pool.disputed) return _nothing();
        vm.prank(delegator(who));
        _staking().withdrawDelegation(_liar(), delegator(who));
    }

    function _beginThaw(uint256 who) private claiming {
        IPools.PositionView memory position = _positionOf(who);
        if (position.thawing != 0) return;
        if (position.shares == 0) {
            if (_rests()) return;
            _delegate(who % DELEGATORS, 10 * STAKE);
        }
        position = _positionOf(who);
        vm.prank(delegator(who));
        _staking().undelegate(_liar(), position.shares);
    }

    // ---- a member's bond ----

    function bond(uint256 amount) external counted("bond") {
        _bond(amount);
    }

    function _bond(uint256 amount) private {
        Permit memory none;
        vm.prank(_member);
        _staking().bond(_member, uint96(_within(amount, 1, 100 * STAKE)), none);
    }

    function thawBond(uint256 amount) external counted("thawBond") {
        if (registry.bondOf(_member).stake == 0) _bond(amount);
        uint96 free = registry.bondOf(_member).stake;
        vm.prank(_member);
        _staking().thawBond(_member, uint96(_within(amount, 1, free)));
    }

    /// @dev In the name of the handler, which is a court.
    function slashBond(uint256 asked) external counted("slashBond") {
        _slashBond(asked);
    }

    function _slashBond(uint256 asked) private {
        IRegistry.BondView memory view_ = registry.bondOf(_member);
        uint256 all = uint256(view_.stake) + view_.thawing;
        IVault.Charge memory charge;
        (charge.subject, charge.fault) = (keccak256(abi.encode("bond", ++_charges)), Fault.BrokenPromise);
        (charge.asked, charge.reporter) = (uint96(_within(asked, 1, all + 1)), WATCHER);
        vm.recordLogs();
        uint256 taken = _vault().slashBond(_member, charge);
        escaped += _gap(taken, charge.asked < all ? charge.asked : all);
        _heard(vm.getRecordedLogs());
    }

    // ---- the vault ----

    function payOut(uint256 seed) external counted("payOut") {
        if (_cases.length == 0) _slashBond(seed);
        uint256 at_ = seed % _cases.length;
        uint256 from = uint256(_cases[at_].slashedAt) + 72 hours;
        if (tally.clock() < from) _live((from - tally.clock()) / 1 hours + 1);
        IVault.Case memory facts = _takeCase(at_);
        _vault().payOut(facts);
    }

    function returnCase(uint256 seed) external counted("returnCase") {
        if (_cases.length == 0) _slashBond(seed);
        IVault.Case memory facts = _takeCase(seed % _cases.length);
        _vault().returnCase(facts);
    }

    // ---- what the invariants ask ----

    function delegator(uint256 index) public pure returns (address) {
        return address(uint160(0xde1e00 + (index % DELEGATORS)));
    }

    function member() external view returns (address) {
        return _member;
    }

    /// @notice What the liar's family has in stake tokens, and would be paid.
    function familyWealth() external view returns (uint256) {
        uint256 held = stakeToken.balanceOf(_owner(LIAR)) + stakeToken.balanceOf(FRIEND);
        held += stakeToken.balanceOf(buyer(FAMILY_BUYER)) + registry.sideOf(_liar()).tokens;
        return held + familyWaits;
    }

    /// @notice What should still be there of the stake that answered for something signed within the last 7 days, and
    /// is not.
    function fled() external view returns (uint256 missing) {
        (uint256 own, uint256 pool) = (registry.sideOf(_liar()).tokens, _pool().tokens);
        uint256 clock = tally.clock();
        for (uint256 i = 0; i < _liable.length; ++i) {
            Liable storage self = _liable[i];
            if (clock >= self.at_ + 7 days) continue;
            missing += _lack(own, self.own, slashedOwn - self.slashedOwn);
            missing += _lack(pool, self.pool, slashedPool - self.slashedPool);
        }
    }

    // ---- what handlers are made of ----

    function _courts(address manager) internal override returns (address[] memory courts) {
        address[] memory others = super._courts(manager);
        bytes memory arguments = abi.encode(manager, tally, disputes.OPENINGS(), uint64(1000));
        demands = IDemands(_deploy("Demands.sol:Demands", arguments));
        courts = new address[](3);
        (courts[0], courts[1], courts[2]) = (others[0], address(demands), address(this));
    }

    function _stake(uint256 seller, uint256 amount) internal override {
        if (seller == LIAR) given += amount;
        super._stake(seller, amount);
    }

    function _withoutFees() internal {
        ILedger.Parameters memory next = tally.parameters();
        (next.protocolFeeBps, next.committeeFeeBps) = (0, 0);
        tally.setParameters(next);
    }

    /// @dev What a fault is that is signed now: the stake answers for it that does not thaw already.
    function _noteLiable() internal {
        IRegistry.ProviderView memory side = registry.providerOf(_liar());
        IPools.PoolView memory pool = _pool();
        uint256 active = pool.shares == 0 ? 0 : (uint256(pool.shares - pool.thawing) * pool.tokens) / pool.shares;
        Liable memory next = Liable(tally.clock(), side.stake, active, slashedOwn, slashedPool);
        if (_liable.length < MOST_LIABLE) _liable.push(next);
        else _liable[slashes % MOST_LIABLE] = next;
    }

    function _reporter(uint256 seed) internal view returns (address) {
        if (seed % 3 == 0) return WATCHER;
        return seed % 3 == 1 ? _owner(LIAR) : FRIEND;
    }

    function _demandOrder(uint32 id, bytes memory place, bytes memory receipts) internal returns (bytes memory facts) {
        ICourt.Shown memory shown = ICourt.Shown(ICourt.Source.Stream, 0, 0, place, receipts, "");
        vm.recordLogs();
        vm.prank(WATCHER);
        demands.demandOrder(id, shown);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) if (logs[i].topics[0] == DEMANDED) facts = logs[i].data;
    }

    function _lapse(bytes memory facts) internal {
        demands.lapse(abi.decode(facts, (IDemands.Demand)));
    }

    /// @dev Says what the next slash of the liar should take: its own stake first, then half of the pool at most.
    function _expectAsked(bytes32 subject, uint256 asked, uint256 proofGas) internal {
        uint256 floor = FLOOR * proofGas * GAS_VALUE;
        if (floor > asked) asked = floor;
        uint256 own = registry.sideOf(_liar()).tokens;
        uint256 most = (uint256(_pool().tokens) * CAP_BPS) / 10_000;
        (_awaited, _sidesBefore) = (subject, _sides());
        _wantOwn = asked < own ? asked : own;
        _wantPool = asked - _wantOwn < most ? asked - _wantOwn : most;
        vm.recordLogs();
    }

    /// @dev The slash that was expected is there, and just that much.
    function _met() internal {
        uint256 before = slashes;
        _heard(vm.getRecordedLogs());
        if (slashes == before) ++escaped;
        _checkPrices(_sidesBefore, true);
        _awaited = 0;
    }

    function _heard(Vm.Log[] memory logs) internal override {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == SLASHED) _noteCase(abi.decode(logs[i].data, (IVault.Case)));
        }
    }

    /// @dev Tokens and shares of both sides.
    function _sides() private view returns (uint256[4] memory) {
        IRegistry.SideView memory side = registry.sideOf(_liar());
        IPools.PoolView memory pool = _pool();
        return [uint256(side.tokens), side.shares, pool.tokens, pool.shares];
    }

    function _checkPrices(uint256[4] memory before, bool isSlash) private {
        uint256[4] memory now_ = _sides();
        _checkPrice(before[0], before[1], now_[0], now_[1], isSlash);
        _checkPrice(before[2], before[3], now_[2], now_[3], isSlash);
    }

    function _nothing() internal {
        ++idle;
    }

    function _punishedAt(bytes32 subject) internal view returns (uint256) {
        return _vault().punishedAt(subject);
    }

    /// @dev So much that a receipt of the liar's can be settled.
    function _keepCover() internal {
        if (registry.providerOf(_liar()).stake < 8 * STAKE) _stake(LIAR, 12 * STAKE);
    }

    function _vault() internal view returns (IVault) {
        return IVault(address(registry));
    }

    function _noteCase(IVault.Case memory facts) private {
        ++slashes;
        if (++punished[facts.subject] > 1) ++doubled;
        if (facts.subject == _awaited) {
            escaped += _gap(facts.own, _wantOwn) + _gap(facts.delegated, _wantPool);
        }
        if (facts.signer == address(0)) {
            slashedOwn += facts.own;
            slashedPool += facts.delegated;
        }
        waiting += uint256(facts.own) + facts.delegated;
        familyWaits += _familyPart(facts);
        _cases.push(facts);
    }

    /// @dev Most that the family may be paid of a case: a tenth as the reporter, nine as the victim.
    function _familyPart(IVault.Case memory facts) private view returns (uint256 part) {
        bool isReporter = facts.reporter == _owner(LIAR) || facts.reporter == FRIEND;
        if (isReporter) part += (uint256(facts.own) + facts.delegated) / 10;
        if (facts.victim == buyer(FAMILY_BUYER)) part += facts.restitution;
    }

    function _takeCase(uint256 at_) private returns (IVault.Case memory facts) {
        facts = _cases[at_];
        _cases[at_] = _cases[_cases.length - 1];
        _cases.pop();
        waiting -= uint256(facts.own) + facts.delegated;
        familyWaits -= _familyPart(facts);
    }

    function _delegate(uint256 who, uint256 amount) private {
        Permit memory none;
        vm.prank(delegator(who));
        _staking().delegate(_liar(), uint96(amount), 0, none);
    }

    /// @dev Deposits rest while open disputes are about more than a tenth of the pool.
    function _rests() private view returns (bool) {
        IRegistry.SideView memory side = registry.sideOf(_liar());
        IPools.PoolView memory pool = _pool();
        uint256 own = side.shares == 0 ? 0 : (uint256(side.disputed) * side.tokens) / side.shares + 1;
        uint256 pooled = pool.shares == 0 ? 0 : (uint256(pool.disputed) * pool.tokens) / pool.shares + 1;
        bool isDear = uint256(pool.tokens) >= uint256(pool.shares) << 16 && pool.tokens != 0;
        return isDear || (side.disputed + pool.disputed != 0 && 10 * (own + pooled) > pool.tokens);
    }

    function _checkPrice(uint256 tokens, uint256 shares, uint256 tokensNow, uint256 sharesNow, bool isSlash) private {
        if (shares == 0 || sharesNow == 0) return;
        (uint256 before, uint256 after_) = (tokens * sharesNow, tokensNow * shares);
        if (isSlash ? after_ > before : after_ < before) ++wrongPrices;
    }

    function _positionOf(uint256 who) private view returns (IPools.PositionView memory) {
        return _staking().positionOf(_liar(), delegator(who));
    }

    function _pool() private view returns (IPools.PoolView memory) {
        return _staking().poolOf(_liar());
    }

    function _staking() private view returns (IStaking) {
        return IStaking(address(registry));
    }

    function _liar() internal view returns (uint32) {
        return _sellers[LIAR].id;
    }

    function _lack(uint256 now_, uint256 then, uint256 slashed) private pure returns (uint256) {
        return now_ + slashed < then ? then - now_ - slashed : 0;
    }

    function _gap(uint256 one, uint256 other) private pure returns (uint256) {
        return one > other ? one - other : other - one;
    }
}
