// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEarnings} from "../../../contracts/interfaces/IEarnings.sol";
import {IPools} from "../../../contracts/interfaces/IPools.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Fault, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {IVault} from "../../../contracts/interfaces/IVault.sol";
import {Probe} from "./Probe.sol";
import {IDemoToken} from "./World.sol";

/// @notice Random but valid calls on a registry whose settlement, governance and provider this is.
contract StakingHandler is Probe {
    uint256 public constant DELEGATORS = 3;
    uint256 private constant STAKE = 1e18;
    uint256 private constant CAP_BPS = 5000;
    uint256 private constant BPS = 10_000;
    address public constant SIGNER = address(0x51);

    IStaking public registry;
    IDemoToken public token;
    uint32 public provider;
    uint32 public clock = 1_700_000_000;

    /// @notice Slashed tokens that wait in the vault.
    uint256 public waiting;
    /// @notice What a slash took less or more than it should have.
    uint256 public escaped;
    /// @notice Times a share's price rose by a slash, or fell by anything else.
    uint256 public wrongPrices;
    uint256 public slashes;
    uint256 public calls;

    uint96[] private _liens;
    uint96[] private _disputes;
    IVault.Case[] private _cases;

    /// @dev Whatever is done, prices may move only as `isSlash` says.
    modifier priced(bool isSlash) {
        ++calls;
        IRegistry.SideView memory side = registry.sideOf(provider);
        IPools.PoolView memory pool = registry.poolOf(provider);
        _;
        IRegistry.SideView memory sideNow = registry.sideOf(provider);
        IPools.PoolView memory poolNow = registry.poolOf(provider);
        if (sideNow.generation == side.generation) {
            _checkPrice(side.tokens, side.shares, sideNow.tokens, sideNow.shares, isSlash);
        }
        if (poolNow.generation == pool.generation) {
            _checkPrice(pool.tokens, pool.shares, poolNow.tokens, poolNow.shares, isSlash);
        }
    }

    constructor() {
        token = IDemoToken(_deploy("DemoStake.sol:DemoStake", ""));
        address pools = _deploy("Pools.sol:Pools", abi.encode(address(this), token));
        registry = IStaking(_deploy("Registry.sol:Registry", abi.encode(pools)));
        registry.bind(address(this), new address[](0));
        token.mint(address(this), 1e30);
        token.approve(address(registry), type(uint256).max);
        for (uint256 i = 0; i < DELEGATORS; ++i) {
            token.mint(delegator(i), 1e30);
            vm.prank(delegator(i));
            token.approve(address(registry), type(uint256).max);
        }
    }

    /// @notice Joins, once: a contract answers to nobody before it stands.
    function start() external {
        if (provider != 0) return;
        Permit memory none;
        provider = registry.join(uint96(100 * STAKE), none, address(this), address(0), "");
        registry.openPool(provider, 1000);
        registry.setEmission(uint64(STAKE / 1000), [uint16(12_500), 17_500, 25_000]);
        registry.fundRewards(uint96(1000 * STAKE));
        vm.prank(SIGNER);
        registry.nameBondOwner(SIGNER, address(this));
    }

    // ---- the settlement, as far as the registry asks it; see below for what it answers ----

    function refreshCover(uint32) external {}

    function refreshBonds() external {}

    function setPayout(uint32, address) external {}

    // ---- calls ----

    function stake(uint256 amount) external priced(false) {
        registry.stake(provider, uint96(_within(amount, 1, 100 * STAKE)));
    }

    function thaw(uint256 amount) external priced(false) {
        IRegistry.ProviderView memory view_ = registry.providerOf(provider);
        uint256 free = view_.stake > view_.liens ? view_.stake - view_.liens : 0;
        if (free > 2) registry.thaw(provider, uint96(_within(amount, 1, free - 2)));
    }

    function withdrawStake() external priced(false) {
        IRegistry.SideView memory side = registry.sideOf(provider);
        if (side.thawing == 0 || side.blocked - side.thawing >= side.shares) return;
        clock += 7 days;
        registry.withdrawStake(provider, address(this));
    }

    function reserve(uint256 amount) external priced(false) {
        IRegistry.ProviderView memory view_ = registry.providerOf(provider);
        uint256 free = view_.stake > view_.liens ? view_.stake - view_.liens : 0;
        if (free > 2) _liens.push(registry.reserve(provider, uint96(_within(amount, 1, free - 2))));
    }

    function release(uint256 seed) external priced(false) {
        if (_liens.length == 0) return;
        uint256 at_ = seed % _liens.length;
        registry.release(provider, _liens[at_]);
        _liens[at_] = _liens[_liens.length - 1];
        _liens.pop();
    }

    function dispute(uint256 amount) external priced(false) {
        if (_disputes.length < 3) _disputes.push(registry.lien(provider, uint96(_within(amount, 1, 500 * STAKE))));
    }

    function settle() external priced(false) {
        if (_disputes.length == 0) return;
        registry.unlien(provider, _disputes[_disputes.length - 1]);
        _disputes.pop();
    }

    function delegate(uint256 who, uint256 amount, uint256 term) external priced(false) {
        while (_disputes.length != 0) {
            registry.unlien(provider, _disputes[_disputes.length - 1]);
            _disputes.pop();
        }
        IPools.PoolView memory pool = registry.poolOf(provider);
        if (uint256(pool.tokens) > uint256(pool.shares) << 16) return;
        IPools.PositionView memory position = registry.positionOf(provider, delegator(who));
        if (position.lockedUntil > clock) clock = position.lockedUntil;
        Permit memory none;
        amount = _within(amount, 1e6, 1000 * STAKE);
        vm.prank(delegator(who));
        registry.delegate(provider, uint96(amount), uint8(term % 4), none);
    }

    function undelegate(uint256 who, uint256 amount) external priced(false) {
        IPools.PositionView memory position = registry.positionOf(provider, delegator(who));
        if (position.shares == 0) return;
        if (position.lockedUntil > clock) clock = position.lockedUntil;
        vm.prank(delegator(who));
        registry.undelegate(provider, uint96(_within(amount, 1, position.shares)));
    }

    function withdrawDelegation(uint256 who) external priced(false) {
        IPools.PositionView memory position = registry.positionOf(provider, delegator(who));
        IPools.PoolView memory pool = registry.poolOf(provider);
        if (position.thawing == 0 || position.thawing > pool.shares - pool.disputed) return;
        clock += 7 days;
        vm.prank(delegator(who));
        registry.withdrawDelegation(provider, delegator(who));
    }

    function collect(uint256 who) external priced(false) {
        clock += 1 hours;
        IPools.PositionView memory position = registry.positionOf(provider, delegator(who));
        if (position.rewards == 0) return;
        vm.prank(delegator(who));
        registry.collect(provider, delegator(who));
    }

    function bond(uint256 amount) external {
        Permit memory none;
        registry.bond(SIGNER, uint96(_within(amount, 1, 100 * STAKE)), none);
    }

    function thawBond(uint256 amount) external {
        uint96 free = registry.bondOf(SIGNER).stake;
        if (free != 0) registry.thawBond(SIGNER, uint96(_within(amount, 1, free)));
    }

    function slash(uint256 asked) external priced(true) {
        uint256 own = registry.sideOf(provider).tokens;
        uint256 pool = registry.poolOf(provider).tokens;
        asked = _within(asked, 1, own + pool + 1);
        (uint96 takenOwn, uint96 takenPool) = registry.slash(provider, _charge(asked), 0, clock);
        uint256 wantOwn = asked < own ? asked : own;
        uint256 cap = (pool * CAP_BPS) / BPS;
        uint256 wantPool = asked - wantOwn < cap ? asked - wantOwn : cap;
        escaped += _gap(takenOwn, wantOwn) + _gap(takenPool, wantPool);
        waiting += uint256(takenOwn) + takenPool;
        _note(provider, address(0), takenOwn, takenPool);
    }

    function slashBond(uint256 asked) external {
        IRegistry.BondView memory view_ = registry.bondOf(SIGNER);
        uint256 all = uint256(view_.stake) + view_.thawing;
        asked = _within(asked, 1, all + 1);
        uint96 taken = registry.slashBond(SIGNER, _charge(asked));
        escaped += _gap(taken, asked < all ? asked : all);
        waiting += taken;
        _note(0, SIGNER, taken, 0);
    }

    function payOut(uint256 seed) external priced(false) {
        if (_cases.length == 0) return;
        clock += 4 days;
        IVault.Case memory facts = _takeCase(seed);
        registry.payOut(facts);
    }

    function returnCase(uint256 seed) external priced(false) {
        if (_cases.length != 0) registry.returnCase(_takeCase(seed));
    }

    function tick() external view returns (uint32) {
        return clock;
    }

    function claim(uint32) external pure returns (uint64) {
        revert IEarnings.EarningsNothingToClaim(0);
    }

    function canCall(address, address, bytes4) external pure returns (bool, uint32) {
        return (true, 0);
    }

    function delegator(uint256 index) public pure returns (address) {
        return address(uint160(0xde1e00 + (index % DELEGATORS)));
    }

    function _takeCase(uint256 seed) private returns (IVault.Case memory facts) {
        uint256 at_ = seed % _cases.length;
        facts = _cases[at_];
        _cases[at_] = _cases[_cases.length - 1];
        _cases.pop();
        waiting -= uint256(facts.own) + facts.delegated;
    }

    function _note(uint32 id, address signer, uint96 own, uint96 delegated) private {
        _cases.push(
            IVault.Case({
                subject: bytes32(slashes),
                provider: id,
                signer: signer,
                own: own,
                delegated: delegated,
                restitution: 0,
                victim: address(0),
                reporter: address(0),
                evidence: 0,
                blockNumber: uint64(block.number),
                slashedAt: clock
            })
        );
    }

    function _charge(uint256 asked) private returns (IVault.Charge memory charge) {
        charge.subject = bytes32(++slashes);
        charge.fault = Fault.Equivocation;
        charge.asked = uint96(asked);
    }

    function _checkPrice(uint256 tokens, uint256 shares, uint256 tokensNow, uint256 sharesNow, bool isSlash) private {
        if (shares == 0 || sharesNow == 0) return;
        (uint256 before, uint256 after_) = (tokens * sharesNow, tokensNow * shares);
        if (isSlash ? after_ > before : after_ < before) ++wrongPrices;
    }

    function _gap(uint256 one, uint256 other) private pure returns (uint256) {
        return one > other ? one - other : other - one;
    }
}
